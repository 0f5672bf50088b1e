"""Hidden tests of `mha`. The docstring is what the learner reads; `submission` is all a test needs to know."""


def test_load_file(submission):
    """The file runs and holds an answer.

    zh: 文件能运行，并且里面有答案。
    """
    submission.assert_loads()


def test_construct_answer(submission):
    """The class can be made with a width and a number of heads.

    zh: 给出宽度和头数，就能创建这个类的实例。
    """
    submission.assert_constructs()


def test_shape_square(submission):
    """The output has the query's batch and length: (B, L, D).

    zh: 输出的形状与查询一致：(B, L, D)。
    """
    submission.assert_shape("square")


def test_shape_cross(submission):
    """With more keys than queries the output still has the query's length.

    zh: 键比查询多时，输出仍与查询等长。
    """
    submission.assert_shape("cross")


def test_shape_other(submission):
    """Another batch size and another length work as well.

    zh: 换一个批大小和长度，同样可以运行。
    """
    submission.assert_shape("other")


def test_shape_sole(submission):
    """A batch of one, and a single position, keep their axes.

    zh: 批里只有一个样本、序列里只有一个位置时，这两维也都保留。
    """
    submission.assert_shape("sole")
    submission.assert_shape("one")


def test_value_square(submission):
    """The output is softmax(QKᵀ/√d)V, head by head, through the output projection.

    zh: 输出等于逐头计算 softmax(QKᵀ/√d)V 再经过输出投影。
    """
    submission.assert_agrees("square")


def test_value_cross(submission):
    """With more keys than queries the values are right too.

    zh: 键比查询多时，数值也正确。
    """
    submission.assert_agrees("cross")


def test_value_fewer(submission):
    """With fewer keys than queries the values are right too.

    zh: 键比查询少时，数值也正确。
    """
    submission.assert_agrees("fewer")


def test_value_other(submission):
    """Other sizes than the first give right values: no shape is fixed in the code.

    zh: 换成别的大小，数值也正确：代码里没有写死形状。
    """
    submission.assert_agrees("other")


def test_value_one(submission):
    """A single position attends to itself.

    zh: 只有一个位置时，它只关注自己。
    """
    submission.assert_agrees("one")


def test_value_projections(submission):
    """Query, key and value each have a linear map of their own, on their own input.

    zh: 查询、键、值各有自己的线性层，作用在各自的输入上。
    """
    submission.assert_free_of(
        "shared-projection",
        "shared-across-heads",
        "missing-projection",
        "swapped-inputs",
        "unregistered-parameters",
        "weigh-wrong-tensor",
    )


def test_value_output(submission):
    """An output projection follows the merged heads, and nothing after it.

    zh: 合并各头之后是输出投影，其后不再有别的运算。
    """
    submission.assert_free_of("missing-output-projection", "extra-residual", "extra-normalization")


def test_value_layout(submission):
    """Each reshape is allowed by the strides, and the key is transposed for the product.

    zh: 每次变形都符合步幅的要求，相乘时键已转置。
    """
    submission.assert_free_of("non-contiguous-view", "key-not-transposed")


def test_value_mask(submission):
    """A mask argument, if there is one, keeps what it forbids from being seen.

    zh: 如果有掩码参数，被禁止的位置确实看不到。
    """
    submission.assert_free_of(
        "mask-missing",
        "mask-inverted",
        "mask-off-by-one",
        "mask-after-softmax",
        "mask-fill-value",
        "unexpected-mask",
    )


def test_backward_slopes(submission):
    """Every gradient is the slope that differences measure, and none is cut off.

    zh: 每个梯度都与差商测得的斜率一致，没有被截断。
    """
    submission.assert_gradients()
    submission.assert_free_of("detached-graph", "wrong-gradient")


def test_backward_registered(submission):
    """Every weight in use is a registered parameter that an optimizer would find.

    zh: 用到的每个权重都是已注册的参数，优化器能找到它。
    """
    submission.assert_free_of("unregistered-parameters")


def test_robust_same_twice(submission):
    """In evaluation the same call gives the same output, dropout or not.

    zh: 评估模式下，同样的调用得到同样的输出，无论是否设置了 dropout。
    """
    submission.assert_same_twice()
    submission.assert_free_of("nondeterministic", "dropout-in-eval")


def test_robust_dropout(submission):
    """A dropout rate, if it can be given, acts in training.

    zh: 如果能设置 dropout，它在训练时确实起作用。
    """
    submission.assert_free_of("dropout-missing")


def test_robust_inputs(submission):
    """The inputs are left as they were.

    zh: 不改动输入。
    """
    submission.assert_free_of("mutates-input")


def test_robust_batch(submission):
    """One item of a batch does not change another's output.

    zh: 批中的一项不影响另一项的输出。
    """
    submission.assert_free_of("batch-mixing")


def test_robust_large(submission):
    """Large scores do not overflow: no inf, no nan.

    zh: 分数很大时也不溢出：没有 inf，没有 nan。
    """
    submission.assert_free_of("unstable-softmax", "nan-output")


def test_robust_by_hand(submission):
    """Attention is written out, not taken ready made.

    zh: 注意力由自己写出，没有直接调用现成实现。
    """
    submission.assert_free_of("builtin-used")
