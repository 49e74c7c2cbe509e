"""Studies whose trial numbers were given out twice: repaired when they are opened, without loss."""

from __future__ import annotations

import pytest
import sqlalchemy

from search.settings import SearchSettings
from search.study import release_study
from space.errors import InputError
from tests.databases import execute
from tests.search.fakes import CONDITIONAL, ShufflingPool, search
from tests.search.test_trial_store import store_of


def made(url: str, trials: int = 12) -> None:
    store = store_of(url, trials=trials)
    search(CONDITIONAL, SearchSettings(trials=trials, window=3), ShufflingPool(slots=3), store)
    release_study(store)


def test_numbers_given_out_twice_are_repaired(database: str) -> None:
    made(database)
    before = execute(database, "SELECT trial_id, number FROM trials ORDER BY number")
    # As the first version left them: no index, numbers 5, 6 and 7 twice, one of the doubles never finished.
    execute(
        database,
        "DROP INDEX nascale_trial_number",
        "UPDATE trials SET number = number - 3 WHERE number IN (8, 9, 10)",
        "UPDATE trials SET number = 8 WHERE number = 11",
        "UPDATE trials SET state = 'RUNNING', datetime_complete = NULL WHERE number = 7"
        " AND trial_id = (SELECT MAX(trial_id) FROM trials WHERE number = 7)",
    )
    said: list[str] = []
    store = store_of(database, said=said)
    rows = store.results()
    assert [row.number for row in rows] == list(range(11))
    assert said == [
        "study 's' was repaired: two searches had run on this study side by side: 2 of their trials got new numbers, 1 that "
        "had not finished were removed"
    ]
    after = dict(execute(database, "SELECT trial_id, number FROM trials"))
    assert [after[trial_id] for trial_id, number in before if number < 8] == list(range(8))
    by_number = {row.number: row for row in rows}
    assert all(by_number[row.measured_by].key == row.key for row in rows if row.measured_by is not None)
    finished = search(CONDITIONAL, SearchSettings(trials=12, window=3), ShufflingPool(slots=2), store)
    release_study(store)
    assert [row.state for row in finished] == ["COMPLETE"] * 12


def test_the_database_refuses_a_number_twice(database: str) -> None:
    made(database)
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        execute(database, "INSERT INTO trials (number, study_id, state) VALUES (3, 1, 'RUNNING')")
    # A number twice in a study of another program: this one opens all the same.
    execute(
        database,
        "DROP INDEX nascale_trial_number",
        "INSERT INTO studies (study_name) VALUES ('theirs')",
        "INSERT INTO trials (number, study_id, state) SELECT 0, study_id, 'COMPLETE' FROM studies WHERE study_name = 'theirs'",
        "INSERT INTO trials (number, study_id, state) SELECT 0, study_id, 'COMPLETE' FROM studies WHERE study_name = 'theirs'",
    )
    release_study(store_of(database))


def test_missing_numbers_are_named(database: str) -> None:
    made(database)
    execute(database, "UPDATE trials SET number = 20 WHERE number = 3")
    with pytest.raises(
        InputError, match=r"numbered from 0 to 20 without a gap, got .'s', which has 12 of them"
    ):
        store_of(database)
