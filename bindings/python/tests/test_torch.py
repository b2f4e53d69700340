"""The PyTorch form of a model computes what the model does (decisions: RMS 1e-4, max 1e-3)."""

import shutil

import numpy as np
import pytest

import libprune

torch = pytest.importorskip("torch", reason="PyTorch is not installed: 'make test-torch' runs this")


def agree(model, height, width, seed=0):
    """Both on the same input, differences over the standard deviation of the session's output."""
    module = libprune.torch.to_module(model).eval()
    rng = np.random.default_rng(seed)
    tensor = rng.standard_normal((2, 3, height, width)).astype(np.float32)
    with libprune.Session(model) as session, torch.no_grad():
        wanted = session(tensor)
        given = module(torch.from_numpy(tensor)).numpy()
    assert given.shape == wanted.shape
    error = (given - wanted) / wanted.std()
    assert np.sqrt(np.mean(error**2)) < 1e-4
    assert np.abs(error).max() < 1e-3
    return module


def test_the_bundled_model():
    model = libprune.load("bundled")
    module = agree(model, 98, 322)
    assert sum(p.numel() for p in module.parameters()) == model.cost().parameters


@pytest.mark.parametrize("size", [(28, 42), (42, 42), (56, 28)])
@pytest.mark.parametrize("rule", ["offset", "size"])
def test_other_grids(root, tmp_path, size, rule):
    alone = tmp_path / "model.safetensors"
    shutil.copy(root / "tests/golden/dav2_tiny_hf/model.safetensors", alone)
    options = {"taps": [0, 1, 2, 3], "attention_heads": 2, "position_rule": rule}
    agree(libprune.load(alone, **options), *size)


def test_a_trimmed_model(tiny, pairs):
    """Heads, q/k widths, neurons, channels and the residual stream cut."""
    trimmed = libprune.trim(
        tiny,
        pairs,
        macs=0.6,
        rounds=1,
        tune=False,
        judges=2,
        views=0,
        kinds="head,qk,neuron,channel,residual",
        granularity=1,
    ).model
    assert trimmed.cost().parameters < tiny.cost().parameters
    agree(trimmed, 28, 42)


def rt_monodepth_s(channels):
    """A state dict in the naming of RT-MonoDepth-S, with this many instead of 64 channels."""
    rng = np.random.default_rng(4)
    state = {"encoder.height": np.int64(64), "encoder.width": np.int64(96)}

    def conv(name, out, inputs, kernel=3, bias=True):
        spread = 1.5 / np.sqrt(inputs * kernel * kernel)
        weight = rng.standard_normal((out, inputs, kernel, kernel)) * spread
        state[f"{name}.weight"] = weight.astype(np.float32)
        if bias:
            state[f"{name}.bias"] = (0.1 * rng.standard_normal(out)).astype(np.float32)

    conv("encoder.conv1", channels, 3, 7, bias=False)
    for stage in range(3):
        for k in (0, 2):
            conv(f"encoder.convs.{stage}.{k}", channels, channels)
    for k in range(8):
        conv(f"depth.decoder.{k}.conv", channels, channels)
    conv("depth.decoder.8.conv3", 1, channels)
    return state


def test_an_encoder_decoder_like_rt_monodepth():
    """Reflected padding, leaky ReLU, ELU, nearest upsampling, sigmoid disparity."""
    model = libprune.Model.from_torch_state_dict(rt_monodepth_s(8))
    assert model.output == "disparity"
    agree(model, 64, 96)
    agree(model, 32, 48)


def test_weights_come_back(tiny, picture):
    module = libprune.torch.to_module(tiny)
    assert list(module.state_dict())
    assert set(module.state_dict()) == set(tiny.state_dict())
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-4)
    tensor = torch.from_numpy(np.random.default_rng(2).standard_normal((1, 3, 28, 42)))
    module(tensor.float()).mean().backward()
    assert all(p.grad is not None for p in module.parameters())
    optimizer.step()
    tuned = tiny.clone()
    tuned.load_state_dict(module.state_dict())
    assert not np.array_equal(tuned(picture), tiny(picture))
    agree(tuned, 28, 42)


def test_a_quantized_model_runs_as_floats(tiny, pairs, tmp_path):
    quantized = libprune.quantize(tiny, pairs, views=1, scan=False).model
    loaded = libprune.load(quantized.save(tmp_path / "small.safetensors.zst"))
    module = libprune.torch.to_module(loaded)
    with libprune.Session(loaded) as session, torch.no_grad():
        tensor = session.prepare(pairs[0].image)
        given = module(torch.from_numpy(tensor)).numpy()
        wanted = session(tensor)
    # Not the same numbers: the session rounds activations to 8 bits, the module does not.
    assert np.sqrt(np.mean((given - wanted) ** 2)) < 0.2 * wanted.std()


def test_an_original_checkpoint_in_memory(root, picture):
    path = root / "tests/golden/dav2_tiny.pth"
    options = {"taps": [0, 1, 2, 3], "attention_heads": 2, "position_rule": "offset"}
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = libprune.Model.from_torch_state_dict(state, **options)
    np.testing.assert_array_equal(model(picture), libprune.load(path, **options)(picture))
