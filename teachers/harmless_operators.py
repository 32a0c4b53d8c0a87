"""Operators of TorchScript that compute, and touch nothing but the tensors that they are given.

Names of the namespace ``aten``, as the code in a TorchScript file has them, without the underscore of in-place forms.
Whatever opens files, starts processes, calls Python or addresses memory by hand (``from_file``, ``save``,
``as_strided``, ``set_``, ``data_ptr``) is left out on purpose.
"""

from __future__ import annotations

ARITHMETIC = """
abs absolute acos acosh add addcdiv addcmul all angle any arccos arcsin arctan arctan2 asin asinh atan atan2 atanh
bitwise_and bitwise_not bitwise_or bitwise_xor ceil clamp clamp_max clamp_min clip copysign cos cosh cummax cummin
cumprod cumsum deg2rad degrees diff div divide divmod dot eq erf erfc erfinv exp exp2 expm1 fix floor floor_divide
floordiv fmax fmin fmod frac ge greater greater_equal gt hypot isclose isfinite isinf isnan ldexp le lerp less
less_equal lgamma log log10 log1p log2 logaddexp logaddexp2 logcumsumexp logical_and logical_not logical_or logical_xor
logit logsumexp lt math maximum mean median min minimum max mod mul multiply nan_to_num nanmean nansum ne neg negative
norm not not_equal numerical or and pow positive prod rad2deg radians reciprocal relu remainder round rsqrt rsub sgn
sigmoid sign signbit sin sinc sinh special_erf special_expit sqrt square std std_mean sub subtract sum tan tanh
true_divide truediv trunc var var_mean xor xlogy amax amin aminmax argmax argmin argsort sort topk kthvalue mode
unique_dim bincount bucketize searchsorted histc allclose equal count_nonzero nonzero floor_
"""
LINEAR_ALGEBRA = """
addbmm addmm addmv addr baddbmm bilinear bmm cdist chain_matmul cosine_similarity cross det diagonal einsum inner
inverse kron linalg_cross linalg_matrix_norm linalg_norm linalg_vector_norm linear matmul mm mv outer pairwise_distance
pdist tensordot trace tril triu vdot linalg_multi_dot frobenius_norm nuclear_norm
"""
LAYERS = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d alpha_dropout
avg_pool1d avg_pool2d avg_pool3d batch_norm celu channel_shuffle conv1d conv2d conv3d conv_transpose1d conv_transpose2d
_convolution convolution dropout elu embedding embedding_bag feature_dropout fold gelu glu group_norm gru gru_cell
hardshrink hardsigmoid hardswish hardtanh im2col instance_norm layer_norm leaky_relu log_sigmoid log_softmax lstm
lstm_cell max_pool1d max_pool2d max_pool3d mish native_batch_norm native_layer_norm native_group_norm
constant_pad_nd pad pixel_shuffle pixel_unshuffle prelu reflection_pad1d reflection_pad2d relu relu6 replication_pad1d
replication_pad2d rms_norm rnn_relu rnn_tanh rnn_relu_cell rnn_tanh_cell rrelu scaled_dot_product_attention selu silu
softmax softmin softplus softshrink softsign tanhshrink threshold unfold upsample_bicubic2d upsample_bilinear2d
upsample_linear1d upsample_nearest1d upsample_nearest2d _native_multi_head_attention
_transformer_encoder_layer_fwd _weight_norm grid_sampler affine_grid_generator
quantize_per_tensor dequantize fake_quantize_per_tensor_affine fake_quantize_per_channel_affine
"""
SHAPES = """
adjoint alias atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to cat chunk clone column_stack combinations
concat concatenate contiguous copy detach diag diag_embed dstack expand expand_as fill flatten flip fliplr flipud
gather hsplit hstack index index_add index_copy index_fill index_put index_select mT masked_fill masked_scatter
masked_select meshgrid moveaxis movedim narrow numpy_T one_hot permute ravel repeat repeat_interleave reshape
reshape_as roll rot90 scatter scatter_add scatter_reduce select slice slice_scatter select_scatter split
split_with_sizes squeeze stack swapaxes swapdims t take take_along_dim tensor_split tile transpose tril_indices
triu_indices type_as unbind unflatten unsqueeze view view_as vsplit vstack where zero cartesian_prod
_unsafe_view
"""
CREATION = """
arange empty empty_like eye full full_like linspace logspace new_empty new_full new_ones new_tensor new_zeros normal
ones ones_like rand rand_like randint randint_like randn randn_like randperm scalar_tensor tensor zeros zeros_like
as_tensor bernoulli uniform
"""
QUERIES_AND_CONVERSIONS = """
Bool Complex Float FloatImplicit Int IntImplicit ScalarImplicit __and__ __contains__ __derive_index __getitem__
__interpolate __is__ __isnot__ __not__ __or__ __range_length __round_to_zero_floordiv __xor__ _assert _set_item
_shape_as_tensor add_ append bool can_cast ceil clear complex copy cpu cuda device dict dim double dtype element_size
endswith extend find float format get get_device grad half hash index insert int is_autocast_cpu_enabled
is_autocast_enabled is_complex is_contiguous is_cuda is_floating_point is_grad_enabled is_inference is_nonzero
is_signed isinstance item items join keys layout len list long lower lstrip ndim ndimension nelement numel ord
percentFormat pop promote_types remove_ replace requires_grad requires_grad_ result_type reverse rstrip
set_grad_enabled setdefault shape short size split startswith storage_offset str stride strip sum_to_size to tolist
type update upper values warn
"""
HARMLESS: frozenset[str] = frozenset(
    " ".join((ARITHMETIC, LINEAR_ALGEBRA, LAYERS, SHAPES, CREATION, QUERIES_AND_CONVERSIONS)).split()
)
"""Names in the namespace ``torch`` of a file's code."""
HARMLESS_OTHERS: frozenset[str] = frozenset(
    f"prim.{name}"
    for name in [
        "NumToTensor",
        "RaiseException",
        "abs",
        "annotate",
        "data",
        "device",
        "dtype",
        "grad",
        "index",
        "is_cuda",
        "is_mkldnn",
        "is_nested",
        "itemsize",
        "layout",
        "max",
        "min",
        "name",
        "rangelist",
        "requires_grad",
        "shape",
        "type",
        "unchecked_cast",
        "unchecked_unwrap_optional",
    ]
)
"""Names in other namespaces, which follow ``ops.``."""
BUILTINS: frozenset[str] = frozenset(
    ("annotate", "bool", "float", "getattr", "int", "isinstance", "len", "range", "str", "unchecked_cast",
     "uninitialized", "dict", "list", "tuple", "abs", "min", "max", "complex", "zip", "enumerate", "print", "hasattr",
     "inf", "nan")
)  # fmt: skip
"""Functions without a namespace."""
FORBIDDEN: frozenset[str] = frozenset(
    ("from_file", "save", "load", "PythonOp", "fork", "wait", "tofile", "set_", "data_ptr", "as_strided",
     "as_strided_", "_from_file", "open", "rpc_async", "remote", "system", "exec", "eval", "__import__")
)  # fmt: skip
"""Names that no network needs and that reach files, processes, Python or memory: refused even from those one trusts."""
