"""Hidden tests of `split-merge`. The docstring is what the learner reads; `submission` is all a test needs to know."""


def test_load_file(submission):
    """The file runs and holds an answer.

    zh: 文件能运行，并且里面有答案。
    """
    submission.assert_loads()


def test_construct_answer(submission):
    """One function splits, another merges.

    zh: 一个函数负责切分，另一个负责合并。
    """
    submission.assert_constructs()


def test_shape_split(submission):
    """`split_heads` gives (B, n_head, T, C / n_head).

    zh: `split_heads` 返回 (B, n_head, T, C / n_head)。
    """
    submission.assert_shape("split")


def test_shape_merge(submission):
    """`merge_heads` gives (B, T, n_head · d).

    zh: `merge_heads` 返回 (B, T, n_head · d)。
    """
    submission.assert_shape("merge")


def test_value_split(submission):
    """Head h holds channels h·d to h·d + d − 1 of every position.

    zh: 第 h 个头拿到每个位置的第 h·d 到 h·d + d − 1 个通道。
    """
    submission.assert_places("split")


def test_value_merge(submission):
    """Merging puts the heads beside each other again, in their order.

    zh: 合并把各个头按原来的次序重新并排。
    """
    submission.assert_places("merge")


def test_value_split_other(submission):
    """`split_heads` works at other sizes, with one head and with one position.

    zh: 换成别的大小、只有一个头、只有一个位置时，`split_heads` 同样正确。
    """
    submission.assert_other_sizes("split")


def test_value_merge_other(submission):
    """`merge_heads` works at other sizes, with one head and with one position.

    zh: 换成别的大小、只有一个头、只有一个位置时，`merge_heads` 同样正确。
    """
    submission.assert_other_sizes("merge")


def test_backward_split(submission):
    """The gradient comes back through `split_heads`.

    zh: 梯度能穿过 `split_heads` 传回去。
    """
    submission.assert_gradient("split")


def test_backward_merge(submission):
    """The gradient comes back through `merge_heads`.

    zh: 梯度能穿过 `merge_heads` 传回去。
    """
    submission.assert_gradient("merge")


def test_robust_strides(submission):
    """Each reshape is allowed by the strides it meets.

    zh: 每次变形都符合当时的步幅。
    """
    submission.assert_free_of("non-contiguous-view")


def test_robust_inputs(submission):
    """The inputs are left as they were.

    zh: 不改动输入。
    """
    submission.assert_free_of("mutates-input")
