"""States: newest only, once a second, at every heartbeat, all again on a new connection."""

from __future__ import annotations

from edge.transmit.board import Board, Posted


def state(topic: str = "digits/state") -> Posted:
    return Posted(topic, b"{}")


def send(board: Board, now: float) -> list[Posted]:
    """Sends all that is due."""
    due = board.due(now)
    for each in due:
        board.sent(each, now)
    return due


def test_only_the_newest_of_a_topic_is_sent() -> None:
    board = Board(heartbeat=60)
    older, newer = state(), state()
    board.post(older)
    board.post(newer)
    assert send(board, 0.0) == [newer]
    assert send(board, 10.0) == []
    assert board.counters()["states_replaced"] == 1


def test_a_topic_is_sent_once_a_second_and_the_last_word_is_never_lost() -> None:
    board = Board(heartbeat=60)
    times = []
    for step in range(40):
        now = step / 10
        if step <= 25:
            latest = state()
            board.post(latest)
        for each in send(board, now):
            times.append(now)
            last = each
    assert times == [0.0, 1.0, 2.0, 3.0]
    assert last is latest


def test_topics_do_not_wait_for_each_other() -> None:
    board = Board(heartbeat=60)
    board.post(state("digits/state"))
    send(board, 0.0)
    board.post(state("camera/status"))
    assert [each.topic for each in send(board, 0.1)] == ["camera/status"]


def test_a_still_state_is_repeated_at_the_heartbeat() -> None:
    board = Board(heartbeat=60)
    board.post(state())
    sent = [now for now in range(200) if send(board, float(now))]
    assert sent == [0, 60, 120, 180]


def test_a_new_connection_gets_everything_at_once() -> None:
    board = Board(heartbeat=60)
    board.post(state("digits/state"))
    board.post(state("camera/status"))
    send(board, 0.0)
    board.again()
    assert [each.topic for each in send(board, 0.1)] == ["digits/state", "camera/status"]
    assert send(board, 5.0) == []


def test_at_the_end_the_last_word_does_not_wait() -> None:
    board = Board(heartbeat=60)
    board.post(state("digits/state"))
    board.post(state("camera/status"))
    send(board, 0.0)
    assert board.idle()
    last = state("digits/state")
    board.post(last)
    assert not board.idle()
    board.hurry()
    assert send(board, 0.1) == [last]


def test_a_state_posted_while_another_is_handed_over_stays_due() -> None:
    board = Board(heartbeat=60)
    board.post(state())
    (taken,) = board.due(0.0)
    newer = state()
    board.post(newer)
    board.sent(taken, 0.0)
    assert send(board, 1.0) == [newer]
