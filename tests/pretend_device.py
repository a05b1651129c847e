"""A device that does not exist: tensors that say they lie on it, while the CPU has their numbers.

What runs on it gives the numbers of the CPU, but fails where it would fail on a GPU: where tensors of two devices meet,
or where NumPy is handed one that has not been brought back. It also counts how often the CPU has to wait, which is what
makes training on a GPU slow and no result wrong.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ELSEWHERE = torch.device("lazy")
"""A kind of device that PyTorch can name and this program never has."""
COPIES = {torch.ops.aten.copy_.default, torch.ops.aten._to_copy.default}
"""Operations in which tensors of two devices may meet."""
ANSWERS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten._unique2.default,
    torch.ops.aten.equal.default,
}
"""Operations whose result, or its size, the CPU has to know before it can go on."""


class TensorElsewhere(torch.Tensor):
    """A tensor on the pretended device."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: Tensor) -> "TensorElsewhere":
        options = {"dtype": inner.dtype, "device": ELSEWHERE, "strides": inner.stride()}
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, storage_offset=inner.storage_offset(), requires_grad=False, **options
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} outside the pretended device")


class _Pretended(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
        elsewhere = any(isinstance(each, TensorElsewhere) for each in tensors)
        target = kwargs.get("device")
        if elsewhere and func not in COPIES:
            here = [each.shape for each in tensors if not isinstance(each, TensorElsewhere) and each.dim()]
            if here:
                raise RuntimeError(f"{func} on tensors of two devices; on the CPU: {here}")
        if (func in ANSWERS and elsewhere) or (self._copies(func, args, target) and not kwargs.get("non_blocking")):
            self.waits[str(func)] += 1
        to_elsewhere = target is not None and torch.device(target).type == ELSEWHERE.type
        if target is not None:
            kwargs["device"] = torch.device("cpu")
        result = func(*_unwrap(args), **_unwrap(kwargs))
        # a copy goes where it is told to, or to where its target is; all else stays where it was
        stays = isinstance(args[0], TensorElsewhere) if func is torch.ops.aten.copy_.default else elsewhere
        return _wrap(result, tensors) if to_elsewhere or (stays and target is None) else result

    def _copies(self, func: Any, args: Any, target: Any) -> bool:
        """Whether an operation copies between the devices, and the CPU waits for it."""
        if func is torch.ops.aten.copy_.default:
            return isinstance(args[0], TensorElsewhere) != isinstance(args[1], TensorElsewhere)
        if func is torch.ops.aten._to_copy.default and target is not None:
            return isinstance(args[0], TensorElsewhere) != (torch.device(target).type == ELSEWHERE.type)
        return False


class _Lists(TorchFunctionMode):
    """Lists of numbers that become tensors of the device inside PyTorch, where `_Pretended` does not see it."""

    def __init__(self, waits: Counter[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and isinstance(args[0], TensorElsewhere):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            args = (args[0], tuple(self._bring(each) for each in index), *args[2:])
        if func is torch.Tensor.pin_memory:
            return args[0]
        if func is torch.tensor and torch.device(kwargs.get("device") or "cpu").type == ELSEWHERE.type:
            kwargs.pop("device")
            return func(*args, **kwargs).to(ELSEWHERE)
        return func(*args, **kwargs)

    def _bring(self, index: Any) -> Any:
        if not isinstance(index, list | tuple):
            return index
        self.waits["index by a list"] += 1
        return TensorElsewhere(torch.tensor(index, dtype=torch.long))


def _unwrap(tree: Any) -> Any:
    return tree_map(lambda each: each.inner if isinstance(each, TensorElsewhere) else each, tree)


def _wrap(tree: Any, arguments: list[Tensor]) -> Any:
    """Put tensors on the device; what was changed in place stays the tensor that it was."""
    known = {id(each.inner): each for each in arguments if isinstance(each, TensorElsewhere)}

    def wrap(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return known[id(value)] if id(value) in known else TensorElsewhere(value)

    return tree_map(wrap, tree)


@contextmanager
def pretended_device() -> Iterator[_Pretended]:
    """Pretend during the block; its `waits` counts what the CPU has waited for, by operation."""
    asked = torch.is_autocast_enabled
    patched = mock.patch.object(torch, "is_autocast_enabled", lambda kind: kind != ELSEWHERE.type and asked(kind))
    # inference mode knows no tensors of other kinds than PyTorch's own
    inference = torch.inference_mode
    without = [mock.patch.object(inference, name, getattr(torch.no_grad, name)) for name in ("__enter__", "__exit__")]
    with patched, without[0], without[1], _Pretended() as mode, _Lists(mode.waits):
        yield mode
