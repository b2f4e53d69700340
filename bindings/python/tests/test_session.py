"""Sessions: shapes, memory without copies, threads, lifetime."""

import gc
import threading
import time

import numpy as np
import pytest

import libprune


@pytest.fixture
def session(tiny):
    with libprune.Session(tiny) as made:
        yield made


def test_pictures_at_their_own_size(session, picture):
    depth = session(picture)
    assert depth.shape == (40, 60)
    assert depth.dtype == np.float32
    assert np.isfinite(depth).all()
    assert session.network_size(40, 60) == (28, 42)
    assert session(picture, network_size=True).shape == (28, 42)


def test_several_pictures(session, picture):
    both = session(np.stack([picture, picture[::-1]]))
    assert both.shape == (2, 40, 60)
    np.testing.assert_array_equal(both[0], session(picture))
    np.testing.assert_array_equal(both, session([picture, picture[::-1]]))


def test_views_give_what_copies_give(session, picture):
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 20:80] = picture
    bgr = np.ascontiguousarray(picture[..., ::-1])
    views = {
        "rows with gaps": wide[:, 20:80],
        "BGR": bgr[..., ::-1],
        "upside down": np.ascontiguousarray(picture[::-1])[::-1],
        "every second": np.repeat(picture, 2, axis=1)[:, ::2],
        "planes": np.ascontiguousarray(picture.transpose(2, 0, 1)).transpose(1, 2, 0),
    }
    wanted = session(picture)
    for what, view in views.items():
        np.testing.assert_array_equal(view, picture)
        np.testing.assert_array_equal(session(view), wanted, err_msg=what)


def test_pictures_are_not_copied_where_they_need_not_be(picture):
    from libprune.session import _pixels

    bgr = np.ascontiguousarray(picture[..., ::-1])
    gaps = np.zeros((40, 100, 3), np.uint8)[:, 20:80]
    for view in (picture, bgr[..., ::-1], gaps):
        assert _pixels(view)[1] is view
    assert _pixels(picture[:, ::-1])[1] is not picture


def test_prepared_input(session, picture):
    prepared = session.prepare(picture)
    assert prepared.shape == (1, 3, 28, 42)
    np.testing.assert_array_equal(session(prepared)[0], session(picture, network_size=True))
    channels_first = np.ascontiguousarray(prepared)
    np.testing.assert_array_equal(session(channels_first), session(prepared))
    # Channels-last memory goes in as it is.
    last = np.ascontiguousarray(prepared.transpose(0, 2, 3, 1))
    assert np.shares_memory(last, prepared)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_batches(tiny, session, count):
    tensor = np.random.default_rng(count).standard_normal((count, 3, 28, 42)).astype(np.float32)
    with libprune.Session(tiny, batch=2) as batched:
        result = batched(tensor)
    assert result.shape == (count, 28, 42)
    np.testing.assert_allclose(result, session(tensor), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((1, 4, 28, 42), np.float32),
        np.zeros((1, 3, 28, 42), np.float64),
        np.zeros((0, 4, 3), np.uint8),
        "a picture",
    ],
)
def test_wrong_arrays_are_refused(session, wrong):
    with pytest.raises(libprune.ShapeError):
        session(wrong)


def test_wrong_sizes_are_refused(tiny, session):
    with pytest.raises(libprune.LibpruneError):
        session(np.zeros((1, 3, 27, 42), np.float32))
    with pytest.raises(libprune.ArgumentError, match="both"):
        libprune.Session(tiny, height=28)


def test_profile(tiny, picture):
    with libprune.Session(tiny, profile=True) as session:
        session(picture)
        profile = session.profile()
    assert profile.seconds > 0
    assert sum(step["macs"] for step in profile.steps) == tiny.cost().macs
    assert len(profile.to_dataframe()) == len(profile.steps)
    assert "ms" in profile._repr_html_()
    with libprune.Session(tiny) as plain, pytest.raises(libprune.ArgumentError, match="profile"):
        plain.profile()


def test_closed_sessions_raise(tiny, picture):
    session = libprune.Session(tiny)
    context = session.context
    session.close()
    for use in (
        lambda: session(picture),
        lambda: session.network_size(4, 4),
        lambda: session.memory,
    ):
        with pytest.raises(libprune.ClosedError, match="Session is closed"):
            use()
    context.close()
    with pytest.raises(ValueError, match="Context is closed"):
        libprune.Session(tiny, context=context)


def test_a_session_outlives_its_model_and_context(picture):
    context = libprune.Context(threads=1)
    model = libprune.load("bundled", context=context)
    session = model.session(threads=1)
    wanted = session(picture)
    model.close()
    context.close()
    del model, context
    gc.collect()
    np.testing.assert_array_equal(session(picture), wanted)


def test_a_thousand_sessions_leave_nothing_behind(tiny, picture):
    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def threads():
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Threads"))

    def loop(count):
        for i in range(count):
            session = libprune.Session(tiny, threads=2)
            if i % 50 == 0:
                session(picture)
            if i % 2:
                session.close()

    loop(100)
    gc.collect()
    before, running = resident(), threads()
    loop(1000)
    gc.collect()
    # A session of this network holds over 400 kB: a thousand leaked ones would be 400 MB.
    assert resident() - before < 20e6
    assert threads() <= running


def test_two_sessions_run_at_the_same_time(tiny, pairs):
    """Sessions in two threads are inside the library together: each waits, in a metric called
    from the library, until the other has come as far."""
    meeting = threading.Barrier(2, timeout=60)
    failures = []

    def work():
        try:
            with libprune.Session(tiny, threads=1) as session:
                waited = []

                class Data:
                    def __len__(self):
                        return 1

                    def __getitem__(self, index):
                        if not waited:
                            waited.append(meeting.wait())
                        return pairs[0]

                libprune.evaluate(session, Data(), align="none")
        except BaseException as error:
            failures.append(error)

    started = [threading.Thread(target=work) for _ in range(2)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert failures == []


def test_the_gil_is_released(tiny):
    """While one thread is inside the library, another runs Python."""
    busy = threading.Event()
    counted = []
    session = libprune.Session(tiny, threads=1)
    large = np.zeros((2000, 3000, 3), np.uint8)
    session(large)

    def count():
        busy.wait()
        while busy.is_set():
            counted.append(1)
            time.sleep(0.0005)

    thread = threading.Thread(target=count)
    thread.start()
    busy.set()
    for _ in range(5):
        session(large)
    busy.clear()
    thread.join()
    # Without releasing it, the counting thread would get one turn between two calls at most.
    assert len(counted) > 10


def test_one_session_from_many_threads(tiny, picture):
    session = libprune.Session(tiny)
    wanted = session(picture)
    results = []

    def work():
        for _ in range(20):
            results.append(np.array_equal(session(picture), wanted))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


def test_closing_while_it_runs(tiny, picture):
    """Another thread closes: the call in flight ends as it should, later ones raise."""
    for _ in range(20):
        session = libprune.Session(tiny, threads=1)
        outcome = []

        def work(session=session, outcome=outcome):
            try:
                while True:
                    outcome.append(session(picture).shape)
            except libprune.ClosedError:
                outcome.append("closed")

        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.005)
        session.close()
        thread.join(timeout=60)
        assert outcome[-1] == "closed"
