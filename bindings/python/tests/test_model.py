"""Models: loading, looking, saving, weights in and out."""

import shutil

import numpy as np
import pytest

import libprune


def test_the_bundled_model_loads_by_name():
    model = libprune.load("bundled")
    cost = model.cost()
    assert model.output == "metric"
    assert model.license == "Apache-2.0"
    assert cost.parameters > 1_000_000
    assert cost.macs == sum(layer.macs for layer in model.layers)
    assert model.history[0]["step"] == "new"
    assert "parameters" in model._repr_html_()
    assert "GMACs" in repr(model)


def test_cost_follows_the_size(tiny):
    small, large = tiny.cost(), tiny.cost(56, 84)
    assert (large.height, large.width) == (56, 84)
    assert large.macs > 3 * small.macs
    assert large.parameters == small.parameters
    with pytest.raises(libprune.LibpruneError):
        tiny.cost(7, 7)


def test_tables(tiny):
    frame = tiny.to_dataframe()
    assert list(frame.columns)[:4] == ["name", "op", "shape", "parameters"]
    assert len(frame) == len(tiny.layers)
    assert "attention" in set(frame["op"])
    assert tiny.layers._repr_html_().count("<tr>") == len(frame) + 1


@pytest.mark.parametrize("name", ["model.safetensors.zst", "model.safetensors"])
def test_a_saved_model_is_the_same(tiny, picture, tmp_path, name):
    path = tiny.save(tmp_path / name)
    again = libprune.load(path)
    assert again.graph["nodes"] == tiny.graph["nodes"]
    np.testing.assert_array_equal(again(picture), tiny(picture))


def test_clones_are_independent(tiny, picture):
    before = tiny(picture)
    other = tiny.clone(libprune.Context(threads=1))
    state = other.state_dict()
    other.load_state_dict({name: 2 * values for name, values in state.items()})
    np.testing.assert_array_equal(tiny(picture), before)
    assert not np.array_equal(other(picture), before)
    assert other.history[-1]["step"] == "weights"


def test_weights_go_out_and_come_back(tiny, picture):
    state = tiny.state_dict()
    total = sum(values.size for values in state.values())
    assert total == tiny.cost().parameters
    assert state["patch_embed.proj.weight"].shape == (16, 3, 14, 14)
    copy = tiny.clone()
    copy.load_state_dict({name: np.zeros_like(values) for name, values in state.items()})
    assert not np.array_equal(copy(picture), tiny(picture))
    copy.load_state_dict(state)
    np.testing.assert_array_equal(copy(picture), tiny(picture))


def test_wrong_weights_change_nothing(tiny):
    model = tiny.clone()
    state = model.state_dict()
    name = "patch_embed.proj.weight"
    with pytest.raises(libprune.ArgumentError, match=r"1 names too few.*patch_embed"):
        model.load_state_dict({k: v for k, v in state.items() if k != name})
    with pytest.raises(libprune.ArgumentError, match="nobody"):
        model.load_state_dict({**state, "nobody": np.zeros(1)})
    with pytest.raises(libprune.ShapeError, match=r"patch_embed\.proj\.weight"):
        model.load_state_dict({**state, name: state[name][:1]})
    with pytest.raises(libprune.ArgumentError, match="not finite"):
        model.load_state_dict({**state, name: np.full_like(state[name], np.nan)})
    assert len(model.history) == len(tiny.history)
    model.load_state_dict({name: state[name] + 1}, strict=False)
    np.testing.assert_array_equal(model.state_dict()[name], state[name] + 1)


def test_quantized_layers_give_floats(tiny, pairs, tmp_path):
    quantized = libprune.quantize(tiny, pairs).model
    loaded = libprune.load(quantized.save(tmp_path / "small.safetensors.zst"))
    assert loaded.cost().int8_layers > 0
    for name, values in quantized.state_dict().items():
        step = np.abs(values).max() / 100 + 1e-3
        np.testing.assert_allclose(loaded.state_dict()[name], values, atol=step)


def test_an_original_state_dict_becomes_a_model(root, picture, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    alone = tmp_path / "model.safetensors"  # without the config.json that lies beside it
    shutil.copy(root / "tests/golden/dav2_tiny_hf/model.safetensors", alone)
    state = safetensors.load_file(alone)
    options = {"taps": [0, 1, 2, 3], "attention_heads": 2}
    model = libprune.Model.from_torch_state_dict(state, **options)
    file = libprune.load(alone, **options)
    np.testing.assert_array_equal(model(picture), file(picture))


def test_what_is_no_model(tmp_path):
    with pytest.raises(libprune.FileError, match=r"nothing\.pth") as caught:
        libprune.load(tmp_path / "nothing.pth")
    assert isinstance(caught.value, OSError)
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"\x10\0\0\0\0\0\0\0{not json at all")
    with pytest.raises(libprune.ModelFormatError, match=r"bad\.safetensors") as caught:
        libprune.load(path)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(libprune.OptionError, match="did you mean taps"):
        libprune.load("bundled", tap="2,5")
    with pytest.raises(libprune.OptionError, match="relative"):
        libprune.load("bundled", output_kind="furlongs")


def test_closed_models_raise(tiny, picture):
    model = tiny.clone()
    session = model.session()
    model(picture)
    model.close()
    model.close()
    assert model.closed
    for use in (model.cost, model.state_dict, lambda: model(picture), model.clone):
        with pytest.raises(libprune.ClosedError, match="Model is closed"):
            use()
    assert "closed" in repr(model)
    assert session(picture).shape == (40, 60)  # a session stands alone
    with tiny.clone() as scoped:
        assert not scoped.closed
    assert scoped.closed
