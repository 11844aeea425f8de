"""Forward and backward functions of common operations, right and wrong, as `pairs` puts them together."""

import numpy as np
from scipy.special import ndtr


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def row_sum(a):
    return a.sum(axis=-1, keepdims=True)


def windows(x, size, step):
    return [(n, slice(start, start + size)) for n, start in enumerate(range(0, x.shape[1] - size + 1, step))]


def max_pool(size, step):
    def forward(x):
        return np.stack([x[:, part].max(axis=1) for _, part in windows(x, size, step)], axis=1), x

    return forward


def max_pool_backward(size, step, way):
    def backward(x, dy):
        dx = np.zeros_like(x)
        rows = np.arange(len(x))
        for n, part in windows(x, size, step):
            where = part.start + x[:, part].argmax(axis=1)
            if way == "add":
                dx[rows, where] += dy[:, n]
            elif way == "assign":
                dx[rows, where] = dy[:, n]
            elif way == "every tie":
                dx[:, part] += dy[:, n, None] * (x[:, part] == x[:, part].max(axis=1, keepdims=True))
            else:
                dx[rows, where] += dy[:, n]
                return dx
        return dx

    return backward


def convolve(x, w):
    return np.stack([x[:, part] @ w for _, part in windows(x, len(w), 2)], axis=1), (x, w)


def convolve_backward(step):
    def backward(cache, dy):
        x, w = cache
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for n in range(dy.shape[1]):
            dx[:, step * n : step * n + len(w)] += dy[:, n, None] * w
            dw += dy[:, n] @ x[:, 2 * n : 2 * n + len(w)]
        return dx, dw

    return backward


def average_pool(x):
    rows, high, wide = x.shape
    return x.reshape(rows, high // 2, 2, wide // 2, 2).mean(axis=(2, 4)), x.shape


def recurrent(x, w, u):
    states = [np.zeros((len(x), len(u)), x.dtype)]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t, None] * w + states[-1] @ u))
    return states[-1], (x, w, u, states)


def recurrent_backward(through_time):
    def backward(cache, dh):
        x, w, u, states = cache
        dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
        for t in reversed(range(x.shape[1])):
            dz = dh * (1 - states[t + 1] ** 2)
            dx[:, t] = dz @ w
            dw += x[:, t] @ dz
            du += states[t].T @ dz
            dh = dz @ u.T if through_time else 0 * dh
        return dx, dw, du

    return backward


def layer_norm(x):
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-3)
    return (x - x.mean(axis=-1, keepdims=True)) / s, s


def layer_norm_with(mean_term):
    def forward(x):
        y, s = layer_norm(x)
        return y, (y, s)

    def backward(cache, dy):
        y, s = cache
        mean = dy.mean(axis=-1, keepdims=True) if mean_term else 0
        return (dy - mean - y * (dy * y).mean(axis=-1, keepdims=True)) / s

    return forward, backward


def batch_norm(x, gamma):
    s = np.sqrt(x.var(axis=0) + 1e-3)
    n = (x - x.mean(axis=0)) / s
    return gamma * n, (n, s, gamma)


def batch_norm_backward(rows_less):
    def backward(cache, dy):
        n, s, gamma = cache
        dn = dy * gamma
        variance_term = n * (dn * n).sum(axis=0) / (len(n) - rows_less)
        return (dn - dn.mean(axis=0) - variance_term) / s, (dy * n).sum(axis=0)

    return backward


def dropout(x):
    mask = (np.random.rand(*x.shape) > 0.4) / 0.6  # noqa: NPY002
    return x * mask, mask


def cross_entropy(z, labels):
    p = softmax(z)
    return -np.log(p[np.arange(len(z)), labels]).mean(), (p, labels)


def cross_entropy_backward(sign):
    def backward(cache, dy):
        p, labels = cache
        return dy * sign * (p - np.eye(p.shape[1])[labels]) / len(p)

    return backward


def attention(q, k, v):
    p = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return p @ v, (q, k, v, p)


def attention_backward(scaled):
    def backward(cache, dy):
        q, k, v, p = cache
        dp = dy @ v.T
        ds = p * (dp - row_sum(dp * p)) / (np.sqrt(q.shape[1]) if scaled else 1)
        return ds @ k, ds.T @ q, p.T @ dy

    return backward


def gelu(x):
    return x * ndtr(x), x


def gelu_exact(x, dy):
    return dy * (ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


def gelu_of_tanh(x, dy):
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2))


def in_memory_order(x, dy):
    """ReLU on the memory of two arrays, which need not lie there in the same order."""
    dx = dy.ravel(order="K") * (x.ravel(order="K") > 0)
    return dx.reshape(x.shape)


def spread(axes):
    def backward(shape, dy):
        rows, high, wide = shape
        if axes == "swapped":
            return np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2).reshape(rows, wide, high).transpose(0, 2, 1) / 4
        return np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2) / 4

    return backward


def elu(x):
    return np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))), x


def lookup_backward(add):
    def backward(cache, dy):
        ids, shape = cache
        dW = np.zeros(shape)
        if add:
            np.add.at(dW, ids, dy)
        else:
            dW[ids] += dy
        return dW

    return backward
