"""Data sets: rendered, on disk, and of one's own."""

import gc

import numpy as np
import pytest

import libprune
from libprune import datasets


def test_scenes(scenes):
    assert len(scenes) == 6
    sample = scenes[-1]
    assert sample.image.shape == (56, 112, 3)
    assert sample.depth.shape == (56, 112)
    assert sample.depth.min() >= 0
    assert sample.depth.max() <= 80
    assert sample.name == scenes.names[-1]
    assert len(set(scenes.groups)) == 3
    with pytest.raises(IndexError):
        scenes[6]


def test_parts(scenes):
    assert scenes[1:3].names == scenes.names[1:3]
    assert scenes[[4, 0]].names == [scenes.names[4], scenes.names[0]]
    kept, held = scenes.split(0.3, seed=1)
    assert sorted(kept.names + held.names) == sorted(scenes.names)
    assert not set(kept.groups) & set(held.groups)
    assert [s.name for s in scenes[:2]] == scenes.names[:2]


def test_files(tmp_path):
    datasets.write_synth(tmp_path / "set", frames=3, width=56, height=28, seed=2)
    labelled = datasets.folder(tmp_path / "set")
    plain = datasets.folder(tmp_path / "set" / "image")
    chosen = datasets.kitti(tmp_path / "set", frames=f"{labelled.names[0]}*")
    assert len(labelled) == len(plain) == 3
    assert labelled[0].depth is not None
    assert plain[0].depth is None
    assert chosen.names == labelled.names[:1]
    np.testing.assert_array_equal(labelled[0].image, plain[0].image)
    with pytest.raises(libprune.FileError, match="nowhere"):
        datasets.folder(tmp_path / "nowhere")
    with pytest.raises(libprune.OptionError, match="did you mean frames"):
        datasets.kitti(tmp_path / "set", frame="x")


def test_arrays_outlive_everything():
    data = datasets.synth(frames=2, width=56, height=28, context=libprune.Context(threads=1))
    sample = data[1]
    wanted = sample.image.copy()
    image = sample.image
    data.context.close()
    data.close()
    del sample
    gc.collect()
    np.testing.assert_array_equal(image, wanted)
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0, 0] = 1
    with pytest.raises(libprune.ClosedError):
        data[0]


def test_a_data_set_of_ones_own(tiny, pairs, scenes):
    assert pairs.names == scenes.names
    np.testing.assert_array_equal(pairs[2].image, scenes[2].image)
    np.testing.assert_array_equal(pairs[2].depth, scenes[2].depth)
    mine = libprune.evaluate(tiny, pairs, align="none")
    theirs = libprune.evaluate(tiny, scenes, align="none")
    assert mine.mean == theirs.mean


def test_lazy_sequences_may_forget_their_arrays(tiny, scenes):
    class Lazy:
        """Makes an array anew each time and keeps none; asked from the library's threads."""

        def __init__(self):
            self.asked = 0

        def __len__(self):
            return 6

        def __getitem__(self, index):
            self.asked += 1
            sample = scenes[index]
            return {"image": np.asfortranarray(sample.image), "depth": sample.depth.astype(float)}

    lazy = Lazy()
    wanted = libprune.evaluate(tiny, scenes, align="none").mean
    for _ in range(3):
        assert libprune.evaluate(tiny, lazy, align="none").mean == wanted
        gc.collect()
    assert lazy.asked == 18


@pytest.mark.parametrize(
    ("item", "kind", "words"),
    [
        (np.zeros((4, 4), np.uint8), libprune.ShapeError, "H x W x 3 uint8"),
        (np.zeros((4, 4, 3)), libprune.ShapeError, "float64"),
        ((np.zeros((4, 4, 3), np.uint8), np.zeros(4)), libprune.ShapeError, "metres"),
    ],
)
def test_wrong_items(tiny, item, kind, words):
    with pytest.raises(kind, match=words):
        libprune.evaluate(tiny, [item])


def test_an_exception_in_a_sequence_is_the_cause(tiny):
    class Broken:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise KeyError("the disk is on holiday")

    with pytest.raises(libprune.LibpruneError, match="on holiday") as caught:
        libprune.evaluate(tiny, Broken())
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(libprune.LibpruneError, match="on holiday"):
        libprune.quantize(tiny, Broken())


def test_what_is_no_data_set(tiny):
    with pytest.raises(libprune.ArgumentError, match="no data set"):
        libprune.evaluate(tiny, 3)
    with pytest.raises(libprune.ArgumentError, match="names: 1 of them for 2"):
        datasets.pairs([1, 2], names=["a"])


def test_display(scenes):
    assert scenes._repr_html_().count("<img") == 4
    assert list(scenes.to_dataframe().columns) == ["name", "group"]
