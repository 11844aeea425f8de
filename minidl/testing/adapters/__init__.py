"""Adapters: gradients written for another library, as what `certify` takes. Each imports only its own library."""
