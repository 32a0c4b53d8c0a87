"""The student's side of every method: its terms, how it begins, what is logged."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.errors import UserError
from zskt.forward import Output, Pair
from zskt.methods.kd import KDConfig
from zskt.methods.student import (
    StudentStep,
    batch_metrics,
    ema_of,
    init_from_teacher,
    require_comparable,
    student_terms,
)
from zskt.methods.supervised import SupervisedConfig, supervised_terms
from zskt.networks.lenet_vgg import LeNet5
from zskt.networks.resnet import cifar_resnet
from zskt.networks.wide_resnet import WideResNet
from zskt.terms import KL, Attention, Gram, Values
from zskt.terms.hint import Hint
from zskt.terms.term import Term

PAIR = Pair(nn.Linear(2, 2), nn.Linear(2, 2))


def test_terms_follow_the_settings_and_those_of_weight_zero_are_left_out() -> None:
    assert student_terms(KDConfig(temperature=3.0), PAIR) == [KL(temperature=3.0)]
    config = KDConfig(attention_weight=2.0, hint_weight=0.5, terms={"gram": 4.0})
    assert student_terms(config, PAIR) == [KL(), Attention(2.0), Hint(0.5), Gram(4.0)]
    with pytest.raises(UserError, match=r"unknown term of the loss 'hints': did you mean hint\?"):
        student_terms(KDConfig(terms={"hints": 1.0}), PAIR)


def test_a_term_that_has_a_setting_of_its_own_is_set_there() -> None:
    with pytest.raises(UserError, match=r"^terms.attention: has a setting of its own; take attention_weight=4 instead"):
        student_terms(KDConfig(attention_weight=2.0, terms={"attention": 4.0}), PAIR)
    with pytest.raises(UserError, match=r"^terms.hint: has a setting of its own"):
        student_terms(KDConfig(terms={"hint": 1.0}), PAIR)
    with pytest.raises(UserError, match=r"^terms.attention: has a setting of its own"):
        supervised_terms(SupervisedConfig(terms={"attention": 1.0}), has_teacher=True)
    assert Hint() in supervised_terms(SupervisedConfig(terms={"hint": 1.0}), has_teacher=True)  # it has no other


def test_values_are_compared_where_the_teacher_regresses() -> None:
    scale = torch.tensor([2.0])
    pair = Pair(nn.Linear(2, 2), nn.Linear(2, 2), scale)
    (kl, values) = student_terms(KDConfig(regression_weight=3.0), pair)
    assert student_terms(KDConfig(regression_weight=3.0, terms={"kl": 0.0}), pair) == [values]
    assert isinstance(values, Values) and values.weight == 3.0 and values.scale is scale and isinstance(kl, KL)
    assert len(student_terms(KDConfig(regression_weight=0.0), pair)) == 1


def test_a_step_goes_down_the_loss_at_its_rate_and_is_counted() -> None:
    pair = Pair(None, nn.Linear(2, 2))
    state, before = TrainState(parts={}, streams={}), [p.detach().clone() for p in pair.student.parameters()]
    step = StudentStep(pair, [KL()], state, torch.optim.SGD(pair.student.parameters(), lr=99.0))
    x, target = (torch.randn(8, 2),), Output(torch.randn(8, 2))
    first, output = step(x, target, lr=0.5)
    second, _ = step(x, target, lr=0.0)
    third, _ = step(x, target, lr=0.0)
    assert second < first and torch.equal(second, third) and not output.logits.requires_grad
    assert state.counters["steps"] == 3 and not torch.equal(before[0], next(iter(pair.student.parameters())))


def test_an_average_follows_the_student() -> None:
    student = nn.Linear(1, 1, bias=False)
    student.weight.data.fill_(0.0)
    average = ema_of(student, 0.75)
    assert average is not None and ema_of(student, 0.0) is None
    average.update_parameters(student)
    student.weight.data.fill_(4.0)
    average.update_parameters(student)
    assert average.module.weight.item() == pytest.approx(1.0)  # 0.75 * 0 + 0.25 * 4


def test_a_shallower_student_begins_as_the_teacher_with_blocks_left_out() -> None:
    torch.manual_seed(0)
    teacher, student = cifar_resnet(20, 10), cifar_resnet(8, 10)
    teacher.bn1.running_mean.add_(3)  # type: ignore[union-attr, operator]
    init_from_teacher(Pair(teacher, student))
    for stage in ("layer1", "layer2", "layer3"):
        setattr(teacher, stage, getattr(teacher, stage)[:1])
    x = torch.randn(4, 3, 32, 32)
    assert torch.equal(student.eval()(x), teacher.eval()(x))
    student.conv1.weight.data.zero_()  # a copy: the teacher stays as it was
    assert teacher.conv1.weight.abs().min() > 0


def test_layers_are_taken_whole_or_not_at_all() -> None:
    torch.manual_seed(0)
    teacher, student = (
        nn.Sequential(nn.Linear(2, 9, bias=b), nn.Linear(9, 9), nn.Linear(9, k)) for b, k in ((True, 3), (False, 2))
    )
    before = [p.clone() for p in student.parameters()]
    init_from_teacher(Pair(teacher, student))  # the first of the teacher has a bias, the last another class
    assert torch.equal(student[1].weight, teacher[1].weight) and torch.equal(student[1].bias, teacher[1].bias)
    unchanged = [student[0].weight, student[2].weight, student[2].bias]
    assert all(torch.equal(a, before[i]) for a, i in zip(unchanged, (0, 3, 4), strict=True))


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        (LeNet5(10), LeNet5(10, share=0.5)),
        (WideResNet(40, 2, 10), WideResNet(16, 1, 10)),
        (nn.Linear(2, 2), cifar_resnet(8, 10)),
    ],
)
def test_a_student_that_has_little_of_its_teacher_is_refused(teacher: nn.Module, student: nn.Module) -> None:
    with pytest.raises(UserError, match=r"init_from_teacher: of the student's .* less than half: .*=False"):
        init_from_teacher(Pair(teacher, student))


def test_layers_of_other_resolutions_are_told_before_a_run() -> None:
    pair, x = Pair(LeNet5(10), LeNet5(10, share=0.5)), (torch.randn(2, 1, 32, 32),)
    require_comparable([KL(), Attention()], pair, x)
    other = Pair(LeNet5(10), nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=2), cifar_resnet(8, 10, 1)))
    other.student.attention_layers = ("2.layer1",)  # type: ignore[assignment]
    with pytest.raises(UserError, match=r"hint_weight: the teacher's blocks put out \[\(16, .*choose a --student"):
        require_comparable([Hint()], other, x)
    require_comparable([Hint()], Pair(None, pair.student), x)


def test_terms_that_need_labels_are_told_where_there_are_none() -> None:
    with pytest.raises(UserError, match=r"terms\.discriminator: needs labels, from which --mode few-shot"):
        student_terms(KDConfig(terms={"discriminator": 1.0}), PAIR)
    assert student_terms(KDConfig(terms={"discriminator": 0.0}), PAIR) == [KL()]


@pytest.mark.parametrize("term", [Attention(), Hint()])
def test_networks_without_named_layers_have_nothing_to_compare(term: Term) -> None:
    with pytest.raises(UserError, match="no blocks to compare"):
        require_comparable([term], PAIR, (torch.randn(2, 2),))


def test_what_is_logged_does_not_grow_with_the_number_of_classes() -> None:
    few = batch_metrics(torch.eye(4)[[0, 0, 2, 3]], torch.zeros(4, 4))
    shares = {name: value for name, value in few.items() if name.startswith("teacher_class/")}
    assert list(shares.values()) == [0.5, 0, 0.25, 0.25] and few["agreement/pseudo"] == 0.5
    assert few["confidence/student"] == 0.25
    many = batch_metrics(torch.eye(100)[[7, 7, 50]], torch.zeros(3, 100))
    assert many["teacher_classes"] == 2 and len(many) < len(few)
    assert batch_metrics(torch.zeros(3, 0), torch.zeros(3, 0)) == {}


def test_of_labels_the_share_of_positives_is_logged() -> None:
    z = torch.tensor([[1.0, -1.0, -1.0], [1.0, 1.0, -1.0]])
    pairs = torch.stack([z, torch.zeros_like(z)], 2)
    metrics = batch_metrics(pairs, -pairs)
    assert [metrics[f"teacher_class/{k}"] for k in range(3)] == [1.0, 0.5, 0.0]
    assert metrics["agreement/pseudo"] == 0 and metrics["confidence/teacher"] == pytest.approx(0.7311, abs=1e-4)
    assert batch_metrics(pairs, pairs)["agreement/pseudo"] == 1


def test_a_loss_without_terms_is_refused() -> None:
    message = "^terms.kl is 0, and the student's loss has no other term: leave it out, or give another one a weight"
    with pytest.raises(UserError, match=message):
        student_terms(KDConfig(terms={"kl": 0.0, "gram": 0.0}), PAIR)
    with pytest.raises(UserError, match=message):
        supervised_terms(SupervisedConfig(kd_fraction=1.0, terms={"kl": 0.0}), has_teacher=True)
    assert student_terms(KDConfig(terms={"kl": 0.0, "gram": 1.0}), PAIR) == [Gram()]
    assert len(supervised_terms(SupervisedConfig(terms={"kl": 0.0}), has_teacher=True)) == 1
