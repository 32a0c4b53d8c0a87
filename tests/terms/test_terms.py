"""Terms beside those that compare layers: Gram matrices, Jacobians, Dirichlet distributions."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from tests.methods.setups import jets_setup, run_until, start
from zskt.errors import UserError
from zskt.experiments.preparation import require_fit
from zskt.forward import MEMBERS, Output, Pair, forward
from zskt.jets.features import KIN, JetInputs
from zskt.losses import dirichlet_nll, gram_matrix, jacobian_distance
from zskt.methods import iterate
from zskt.methods.kd import KDConfig
from zskt.methods.student import require_comparable, student_terms
from zskt.teacher_access import PROBABILITIES, AnswersOnly
from zskt.terms import KL, Dirichlet, Gram, student_loss, term_of
from zskt.terms.jacobian import Jacobian
from zskt.terms.term import Trial


def test_gram_matrix_forgets_where_channels_fire() -> None:
    a = torch.tensor([[[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]])  # two channels, three positions
    expected = torch.tensor([[[5.0, 3.0], [3.0, 10.0]]]) / 3
    assert torch.allclose(gram_matrix(a), expected)
    assert torch.allclose(gram_matrix(a[:, :, [2, 0, 1]]), expected)
    assert torch.allclose(gram_matrix(a.view(1, 2, 3, 1)), expected)


def test_gram_term_compares_blocks_of_other_lengths_and_refuses_other_widths() -> None:
    t = Output(torch.zeros(2, 3), {"gram.0": gram_matrix(torch.randn(2, 4, 7))})
    s = Output(torch.zeros(2, 3), {"gram.0": gram_matrix(torch.randn(2, 4, 5))})
    Gram().check(t, s)
    d = (t.extras["gram.0"] - s.extras["gram.0"]).square().mean() / t.extras["gram.0"].square().mean()
    assert torch.allclose(Gram().distance(t, s), d)
    with pytest.raises(UserError, match=r"\[4\] channels, the student's \[6\]"):
        Gram().check(t, Output(torch.zeros(2, 3), {"gram.0": torch.zeros(2, 6, 6)}))


def test_jacobian_distance_of_gradients_of_unit_length() -> None:
    t, s = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    assert torch.allclose(jacobian_distance([t], [s]), torch.tensor(0.6**2 + 0.2**2))
    assert torch.allclose(jacobian_distance([t[:, :1], t[:, 1:]], [s[:, :1], s[:, 1:]]), torch.tensor(0.4))
    assert float(jacobian_distance([t], [7 * t])) == pytest.approx(0.0, abs=1e-7)


class Linear(nn.Module):
    """Logits W x, whose gradients are the rows of W."""

    def __init__(self, *rows: tuple[float, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(rows))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T


def test_jacobian_term_takes_the_teachers_top_class_in_both_networks_and_teaches_the_student_alone() -> None:
    teacher, student = Linear((1.0, 0.0), (0.0, 1.0)).requires_grad_(False), Linear((1.0, 1.0), (1.0, 0.0))
    x = (torch.tensor([[2.0, 1.0]]),)  # the teacher's top class is the first: gradient (1, 0)
    with torch.no_grad():
        target = forward(teacher, x, [Jacobian()])
    assert torch.equal(target.extras["jacobian.0"], torch.tensor([[1.0, 0.0]])) and not target.logits.requires_grad
    output = forward(student, x, [Jacobian()])
    loss = Jacobian().distance(target, output)
    assert loss.item() == pytest.approx((1 - math.sqrt(0.5)) ** 2 + 0.5)  # of the student's first row (1, 1)
    loss.backward()
    gradient = student.weight.grad
    assert gradient is not None and bool((gradient[0] != 0).any()) and not bool((gradient[1] != 0).any())


def test_students_step_with_jacobians_brings_the_gradients_together() -> None:
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 4)).eval().requires_grad_(False)
    student = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 4))
    terms = [Jacobian()]
    optimizer, x = torch.optim.Adam(student.parameters(), 1e-2), (torch.randn(64, 3),)
    losses = []
    for _ in range(60):
        with torch.no_grad():
            target = forward(teacher, x, terms)
        loss = student_loss(terms, target, forward(student, x, terms))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3, momentum=1.0), nn.Dropout(0.5)])
def test_a_students_gradient_is_that_of_the_network_as_it_will_be_used(layer: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(32, 3) * 2 + 1
    student = nn.Sequential(nn.Linear(3, 3), copy.deepcopy(layer), nn.Tanh(), nn.Linear(3, 4)).train()
    with torch.no_grad():
        student(
            x
        )  # the running statistics are those of the batch: both modes answer alike but for a factor of n / (n - 1)
    teacher = copy.deepcopy(student).eval().requires_grad_(False)
    with torch.no_grad():
        target = forward(teacher, (x,), [Jacobian()])
    before = copy.deepcopy(student[1].state_dict())
    output = forward(student, (x,), [Jacobian()])
    assert Jacobian().distance(target, output).item() == pytest.approx(0.0, abs=1e-6)
    assert student[1].training and output.logits.shape == (32, 4)
    if before:  # the pass that learns moves the statistics once, the one that is asked for its gradient never
        again = copy.deepcopy(student)
        again[1].load_state_dict(before)
        again(x)
        assert torch.equal(again[1].running_mean, student[1].running_mean)
        (gradient,) = torch.autograd.grad(output.logits[:, 0].sum(), student[0].bias, retain_graph=True)
        assert float(gradient.abs().max()) < 1e-4  # of a shift of all samples, which training mode forgets
        (gradient,) = torch.autograd.grad(output.extras["evaluated"][:, 0].sum(), student[0].bias)
        assert float(gradient.abs().max()) > 0.1


def test_teacher_that_only_answers_has_no_jacobian_and_the_line_says_what_to_do() -> None:
    teacher = AnswersOnly(nn.Linear(3, 2), PROBABILITIES)
    pair = Pair(teacher, nn.Linear(3, 2))
    with pytest.raises(UserError, match="take --set jitter"), torch.no_grad():
        require_comparable([Jacobian()], pair, (torch.randn(2, 3),))


def test_dirichlet_likelihood_against_scipy() -> None:
    from scipy.stats import dirichlet

    z = torch.tensor([[0.3, 1.2, -0.5]], dtype=torch.float64)
    p = torch.tensor([[[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]]], dtype=torch.float64)
    smooth = 0.999 * p + 1e-3 / 3
    expected = -sum(dirichlet.logpdf(q.numpy(), z[0].exp().numpy()) for q in smooth[0]) / 2
    assert float(dirichlet_nll(p.log(), z)) == pytest.approx(expected, abs=1e-6)
    hot = torch.softmax(p.log() / 4, -1)
    expected = -sum(dirichlet.logpdf(q.numpy(), (z[0] / 4).exp().numpy()) for q in (0.999 * hot + 1e-3 / 3)[0]) / 2
    assert float(dirichlet_nll(p.log(), z, 4.0)) == pytest.approx(16 * expected, abs=1e-5)


def test_dirichlet_student_learns_mean_and_spread_of_its_ensemble() -> None:
    torch.manual_seed(0)
    members = torch.distributions.Dirichlet(torch.tensor([6.0, 3.0, 1.0])).sample((1, 4000)).log()
    z = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.Adam([z], 0.05)
    for _ in range(400):
        optimizer.zero_grad()
        dirichlet_nll(members, z).sum().backward()
        optimizer.step()
    assert torch.allclose(z.detach().exp(), torch.tensor([[6.0, 3.0, 1.0]]), rtol=0.1)


def test_the_temperature_of_the_dirichlet_falls_to_one_on_the_way() -> None:
    term = Dirichlet(temperature=2.5)
    z, p = torch.randn(4, 3), torch.randn(4, 5, 3).log_softmax(2)
    teacher, student = Output(z, {MEMBERS: p}), Output(z)
    for done, temperature in ((0.0, 2.5), (0.375, 1.75), (0.75, 1.0), (0.99, 1.0)):
        term.begin(done)
        assert term.distance(teacher, student).item() == pytest.approx(dirichlet_nll(p, z, temperature).mean().item())


def test_a_run_tells_its_terms_how_far_it_is_also_when_it_goes_on() -> None:
    told: list[float] = []

    class Listens(Dirichlet):
        def begin(self, done: float) -> None:
            told.append(done)

    method = start("zskt", jets_setup(), batch_size=4, student_steps=1, iterations=4)
    method.terms = [Listens()]
    run_until(method, 2)
    assert told == [0.0, 0.25, 0.5]
    for _ in iterate(method):
        pass
    assert told == [0.0, 0.25, 0.5, 0.5, 0.75, 1.0]


def test_dirichlet_needs_an_ensemble() -> None:
    logits = torch.zeros(2, 3)
    with pytest.raises(UserError, match="--teacher-path A B C"):
        Dirichlet().check(Output(logits), Output(logits))
    Dirichlet().check(Output(logits, {MEMBERS: logits.unsqueeze(1)}), Output(logits))


def test_weight_of_the_kl_is_one_unless_told_and_softened_terms_get_the_temperature() -> None:
    pair = Pair(nn.Linear(2, 2), nn.Linear(2, 2))
    assert student_terms(KDConfig(), pair) == [KL(1.0)]
    assert student_terms(KDConfig(temperature=3.0, terms={"kl": 0.0, "dirichlet": 2.0}), pair) == [Dirichlet(2.0, 3.0)]
    assert student_terms(KDConfig(terms={"kl": 0.5}), pair) == [KL(0.5)]
    with pytest.raises(UserError, match="did you mean jacobian"):
        term_of("jacobain", 1.0)


class OfMomenta(nn.Module):
    """Logits (a sum of features times a number, 0) of a jet."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(numbers))

    def forward(self, points: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        logit = (features[:, 0] * mask[:, 0]).sum(1) * self.numbers[0] + (points[:, 0] ** 2).sum(1) * self.numbers[1]
        return torch.stack([logit, torch.zeros_like(logit)], 1)


def test_jacobians_in_resolutions_by_hand_lengths_count_and_the_student_alone_learns() -> None:
    inputs = JetInputs(features=("part_pt_log",))
    term = term_of("jacobian_in_resolutions", 1.0, KDConfig(momentum_resolution=0.1, angular_resolution=0.02))
    teacher, student = OfMomenta(2.0, 1.0).requires_grad_(False), OfMomenta(1.0, 1.0)
    points = torch.tensor([[[0.3, 0.1, 0.0], [0.2, 0.0, 0.0]]])
    x = (points, torch.tensor([[[1.0, 0.5, 0.0]]]), torch.tensor([[[True, True, False]]]))
    term.prepare(Trial(Pair(teacher, student), Output(torch.zeros(1, 2)), Output(torch.zeros(1, 2)), inputs, 0))
    with torch.no_grad():
        target = forward(teacher, x, [term])
    distance = term.distance(target, forward(student, x, [term]))
    # By log pT: half of 0.7 * number * resolution, two particles; by eta: half of 2 eta * resolution. Centred: halves.
    t = [0.5 * 0.7 * 2.0 * 0.1] * 2 + [0.5 * 2 * eta * 0.02 for eta in (0.3, 0.1)]
    off = 2 * (0.5 * 0.7 * 1.0 * 0.1) ** 2
    assert distance.item() == pytest.approx(off / sum(v * v for v in t), rel=1e-5)
    distance.backward()
    assert student.numbers.grad is not None and student.numbers.grad[0] < 0 and teacher.numbers.grad is None


def test_jacobians_in_resolutions_need_a_known_meaning_of_the_inputs() -> None:
    term = term_of("jacobian_in_resolutions", 1.0)
    pair = Pair(Linear((1.0, 0.0), (0.0, 1.0)), Linear((1.0, 0.0), (0.0, 1.0)))
    with pytest.raises(UserError, match=r"terms\.jacobian_in_resolutions: knows particles in the features of JetClass"):
        require_comparable([term], pair, (torch.randn(2, 2),), None)


def test_a_game_of_jets_with_jacobians_in_resolutions_runs() -> None:
    setup = jets_setup(inputs=KIN)
    method = start("zskt", setup, batch_size=8, student_steps=2, iterations=2, terms={"jacobian_in_resolutions": 1.0})
    require_fit(method, setup)
    assert all(math.isfinite(m["loss/student"]) for m in run_until(method, 2))
