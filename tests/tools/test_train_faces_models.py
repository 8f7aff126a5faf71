"""Files of the face models: exported nets compute what they did, dlib's network becomes one by a command."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from dlib_file import cached, dat, network

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from edge.errors import ConfigError, ModelError, UnavailableError  # noqa: E402
from edge.infer.card import load_card  # noqa: E402
from edge.infer.model import Model  # noqa: E402
from edge.infer.settings import InferSettings  # noqa: E402
from edge.recognize.faces.embedder import Embedder  # noqa: E402
from tools.quantize.graph import float_operations, operations  # noqa: E402
from tools.quantize.schemes import measured, quantize  # noqa: E402
from tools.train_faces.__main__ import main  # noqa: E402
from tools.train_faces.chips import DLIB, scaled  # noqa: E402
from tools.train_faces.convert import convert  # noqa: E402
from tools.train_faces.export import Exported, inputs, write_float  # noqa: E402
from tools.train_faces.harvest import load  # noqa: E402
from tools.train_faces.learn import Learner  # noqa: E402
from tools.train_faces.narrow import narrow  # noqa: E402
from tools.train_faces.net import SMALL, STUDENT, FaceNet, Shape, fill, normalised  # noqa: E402
from tools.train_faces.release import release  # noqa: E402
from tools.train_faces.sources import SOURCES  # noqa: E402
from tools.train_faces.weights import blocks_of  # noqa: E402

TINY = Shape(side=48, blocks=4, flat=True, narrow=8)
LOW = Shape(side=40, enlarged=48, blocks=5, ranks=((20, 24), (16, 0)))


def chips(side: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def net_of(shape: Shape) -> FaceNet:
    torch.manual_seed(4)
    net = FaceNet(shape)
    net.eval()
    if shape.ranks:
        narrow(net, net_of(replace(shape, ranks=())), [normalised(chips(shape.side, 3))])
    else:
        fill(net, network())
    return net


@pytest.mark.parametrize("shape", [Shape(), STUDENT, SMALL, TINY, LOW])
def test_what_is_exported_computes_the_same_of_bgr_with_channels_last(shape: Shape) -> None:
    net = net_of(shape)
    some = chips(shape.side)
    with torch.no_grad():
        wanted = net(normalised(some))
        assert torch.allclose(Exported(net)(torch.from_numpy(inputs(some))), wanted, atol=1e-4)
        # As a learner keeps them: in an order in memory that is not the one of the tensor.
        net.to(memory_format=torch.channels_last)
        exported = Exported(net)
        assert torch.allclose(exported(torch.from_numpy(inputs(some))), wanted, atol=1e-4)
    assert all(value.is_contiguous() for value in exported.state_dict().values())


@pytest.mark.parametrize("shape", [TINY, LOW])
def test_a_model_s_folder_is_made_of_weights_and_runs_by_its_card(tmp_path: Path, shape: Shape) -> None:
    pytest.importorskip("litert_torch", reason="export needs litert-torch: make training")
    cached(tmp_path, 12)
    pictures, _, _ = load(tmp_path)
    faces = [(SOURCES[0].repository, "one")] * 12
    net, folder = net_of(shape).to(memory_format=torch.channels_last), tmp_path / "face-embedder-tiny"
    folder.mkdir()
    told: list[str] = []
    made_by = {"command": "a test", "seed": 1}
    release(
        net,
        folder,
        pictures,
        faces,
        learnt=np.arange(12),
        made_by=made_by,
        verify=tmp_path / "nothing",
        tell=told.append,
    )
    assert "no thresholds" in told[-1]
    whole, small = folder / "float.tflite", folder / "model.tflite"
    assert "TRANSPOSE" not in operations(whole.read_bytes())
    assert not float_operations(small.read_bytes())
    card = load_card(folder)
    assert card.made_by.data[0].terms == SOURCES[0].terms
    assert "dlib" in card.made_by.teachers[0]
    assert "deployer" in card.licence
    model = Model(folder, card, InferSettings(threads=1))
    assert model.delegated == 1
    side = shape.side
    said = Embedder(model).embed(chips(side)[0], np.asarray(DLIB * (side / 150), np.float32))
    with torch.no_grad():
        wanted = net(normalised(chips(side)))[0].numpy()
    assert said @ wanted / np.linalg.norm(said) / np.linalg.norm(wanted) > 0.98
    # Ranges that were measured once quantize as the samples do that they were measured of.
    samples = inputs(scaled(np.asarray(pictures[:, 8:120, 8:120]), side))
    quantize(whole, measured(whole, samples), tmp_path / "again.tflite")
    quantize(whole, samples, tmp_path / "once.tflite")
    assert (tmp_path / "again.tflite").read_bytes() == (tmp_path / "once.tflite").read_bytes()


def test_a_file_that_a_converter_spoilt_is_not_kept_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converter = pytest.importorskip("litert_torch", reason="export needs litert-torch: make training")
    other = net_of(TINY)
    with torch.no_grad():
        other.head.weight.mul_(1.5)
    real = converter.convert
    monkeypatch.setattr(converter, "convert", lambda _, sample: real(Exported(other), sample))
    with pytest.raises(ModelError, match="differs from the network"):
        write_float(net_of(TINY), tmp_path / "float.tflite")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no tensors"),
        (b"RIFF" * 4000, "no tensors"),
        (dat(network())[: 10**7], "dlib's face network 59"),
        (dat(network()), "is another: its sha256"),
        (dat([*network()[:4], *network()[2:]]), "dlib's face network 59"),
    ],
)
def test_a_file_that_is_not_dlib_s_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    (tmp_path / "net.dat").write_bytes(content)
    out = tmp_path / "made"
    assert main(["convert-teacher", "--teacher", str(tmp_path / "net.dat"), "--out", str(out)]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("train_faces: ")
    assert said in error
    assert not out.exists()


def test_a_teacher_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = ["convert-teacher", "--teacher", str(tmp_path / "net.dat"), "--out", str(tmp_path)]
    assert main(missing) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_dlib_s_network_becomes_a_model_by_known_ranges(tmp_path: Path) -> None:
    pytest.importorskip("litert_torch", reason="export needs litert-torch: make training")
    file = tmp_path / "net.dat"
    file.write_bytes(dat(network()))
    known = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "version": 1, "figures": []}
    told: list[str] = []
    faces = inputs(chips(150, 6))
    convert(file, tmp_path / "measured", told.append, faces=faces, known=known)
    ranges = yaml.safe_load((tmp_path / "measured" / "ranges.yaml").read_text())["ranges"]
    size = convert(file, tmp_path / "made", told.append, known={**known, "ranges": ranges})
    assert size == (tmp_path / "made" / "model.tflite").stat().st_size < 6e6
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["card.yaml", "model.tflite"]
    model = Model(tmp_path / "made", load_card(tmp_path / "made"), InferSettings(threads=1))
    assert (model.input_size, model.colour, model.delegated) == ((150, 150), "bgr", 1)
    with pytest.raises(ModelError, match="another graph"):
        convert(file, tmp_path / "no", told.append, known={**known, "ranges": ranges[1:]})
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        convert(file, tmp_path / "file" / "below", told.append, known={**known, "ranges": ranges})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["embedder", "--minutes", "0"], 2, "--minutes"),
        (["embedder", "--minutes", "91"], 2, "--minutes"),
        (["embedder", "--minutes", "1", "--rate", "-1"], 2, "--rate"),
        (["embedder", "--keep", "15"], 2, "--keep 15"),
        (["embedder", "--start", "weights.pt"], 2, "begins with the teacher's blocks"),
        (["embedder", "--kind", "face-embedder-small", "--tail"], 2, "has no narrowed blocks"),
        (["embedder", "--minutes", "1", "--cache", "nowhere"], 1, "no whole cache"),
        (["export", "--cache", "nowhere"], 1, "no whole cache"),
    ],
)
def test_wrong_calls_are_told(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], code: int, said: str
) -> None:
    assert main(arguments) == code
    assert said in capsys.readouterr().err


def test_damaged_weights_and_those_of_another_student_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached(tmp_path, 200)
    assert main(["export", "--cache", str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "200 faces are too few" in capsys.readouterr().err
    pictures, targets, _ = load(tmp_path)
    learner = Learner(TINY, pictures, targets, seed=1, held_out=100)
    learner.start(lambda net: fill(net, network()))
    learner.save(tmp_path / "weights.pt")
    sibling = Learner(Shape(side=56, blocks=3), pictures, targets, seed=1, held_out=100)
    with pytest.raises(ConfigError, match="no usable weights"):
        sibling.load(tmp_path / "weights.pt")
    # It can begin with the blocks of the other, though.
    sibling.start(blocks_of(tmp_path / "weights.pt"))
    state, given = sibling.average.state_dict(), learner.average.state_dict()
    assert torch.allclose(state["blocks.2.first.weight"], given["blocks.2.first.weight"], atol=1e-3)
    for damaged in (b"damaged", (tmp_path / "weights.pt").read_bytes()[:5000], b""):
        (tmp_path / "weights.pt").write_bytes(damaged)
        with pytest.raises(ConfigError, match="no usable weights"):
            learner.load(tmp_path / "weights.pt")
        with pytest.raises(ConfigError, match="no usable weights"):
            sibling.start(blocks_of(tmp_path / "weights.pt"))
