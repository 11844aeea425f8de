"""Adapters: make gradients written for another library acceptable to `certify`. Each imports only its own library."""
