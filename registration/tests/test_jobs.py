"""Jobs and the page that waits for them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from common.clock import now
from common.db.pruning import Pruner
from common.errors import InputError
from registration import jobs
from registration.models import Job, Member, User
from registration.models.jobs import LIFETIME
from registration.retention import prune
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db
KIND = "double"
OTHER_KIND = "nothing"


@pytest.fixture(autouse=True)
def kind() -> Iterator[None]:
    """A kind of job that doubles a number, and refuses a negative one."""

    @jobs.work(KIND)
    def double(_member: Member, given: Mapping[str, Any]) -> dict[str, Any]:
        if given["number"] < 0:
            raise InputError("Negative.", field="number")
        return {"number": 2 * given["number"], "rest": 1 % given["number"]}

    @jobs.work(OTHER_KIND)
    def nothing(_member: Member, _given: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    yield
    del jobs._WORK[KIND], jobs._WORK[OTHER_KIND]


@pytest.fixture
def members() -> list[Member]:
    """So many members as have a job of one kind at once."""
    users = [User.objects.create_user(f"busy{number}") for number in range(jobs.AT_ONCE)]
    return [Member.objects.get_or_create(user=user)[0] for user in users]


def start(member: Member, number: int = 2) -> Job:
    return jobs.start(member, KIND, "/targets/", number=number)


def result(member: Member, job: Job) -> Any:
    return jobs.result_for(RequestFactory().get("/", {"job": job.pk}), member, KIND)


def test_a_job_waits_until_a_worker_does_it(member: Member) -> None:
    job = start(member)
    assert jobs.has_work()
    assert result(member, job) is None
    assert jobs.run_waiting() == 1
    assert result(member, job)["number"] == 4
    assert not jobs.has_work()
    assert jobs.run_waiting() == 0


@pytest.mark.parametrize(
    ("number", "said", "field"), [(-1, "Negative.", "number"), (0, "error in PFS", None)]
)
def test_what_went_wrong_is_the_result(member: Member, number: int, said: str, field: str | None) -> None:
    job = start(member, number)
    jobs.run_waiting()
    found = result(member, job)
    assert said in found["problem"]
    assert found.get("field") == field


def test_what_was_given_is_encrypted_and_deleted_when_the_job_is_done(member: Member) -> None:
    job = jobs.start(member, KIND, "/targets/", number=2, password="secret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT given FROM registration_job")
        (kept,) = cursor.fetchone()
    assert kept
    assert "secret" not in kept
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.given == ""


def test_a_result_is_for_its_member_and_its_kind_and_a_short_time(member: Member, other: Member) -> None:
    job = start(member)
    jobs.run_waiting()
    assert result(other, job) is None
    assert jobs.result_for(RequestFactory().get("/", {"job": job.pk}), member, "another") is None
    for key in ("", "x", "٣", "9" * 5000, f"{job.pk}; --"):
        assert jobs.result_for(RequestFactory().get("/", {"job": key}), member, KIND) is None
    Job.objects.update(created_at=now() - LIFETIME)
    assert result(member, job) is None


def test_old_jobs_are_deleted_with_what_they_were_given(member: Member) -> None:
    start(member)
    Job.objects.update(created_at=now() - LIFETIME)
    assert jobs.has_work()
    assert jobs.run_waiting() == 0
    assert not Job.objects.exists()
    start(member)
    prune(Pruner(), now() + LIFETIME + timedelta(seconds=1))
    assert not Job.objects.exists()


def test_a_member_has_a_few_jobs_at_once(member: Member, other: Member) -> None:
    for _ in range(jobs.A_MEMBER):
        start(member)
    with pytest.raises(InputError, match="still running"):
        start(member)
    start(other)
    jobs.run_waiting()
    start(member)


def test_a_member_whose_job_never_ends_leaves_workers_to_others(member: Member, other: Member) -> None:
    for _ in range(jobs.A_MEMBER):
        running = start(member)
    Job.objects.filter(pk=running.pk).update(state=Job.State.RUNNING, started_at=now())
    waits = start(other)
    assert jobs.run_waiting() == 1
    assert result(other, waits)["number"] == 4


def test_jobs_that_never_end_leave_workers_to_other_kinds(member: Member, members: list[Member]) -> None:
    for one in members:
        Job.objects.filter(pk=start(one).pk).update(state=Job.State.RUNNING, started_at=now())
    start(member)
    assert jobs.run_waiting() == 0
    code = jobs.start(member, OTHER_KIND, "/targets/")
    assert jobs.run_waiting() == 1
    code.refresh_from_db()
    assert code.state == Job.State.DONE
    # Their workers were killed: they count no longer.
    Job.objects.filter(state=Job.State.RUNNING).update(started_at=now() - timedelta(minutes=3))
    assert jobs.run_waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_does_a_job(member: Member) -> None:
    job = start(member)
    counts: list[int] = []

    def work() -> None:
        counts.append(jobs.run_waiting())
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 1
    assert result(member, job)["number"] == 4


def test_the_page_waits_then_leads_on(page: Client, other_page: Client, member: Member) -> None:
    job = start(member)
    url = f"/waiting/{job.pk}/"
    html = page.get(url).content.decode()
    assert f'hx-get="{url}" hx-trigger="every 1s"' in html
    assert '<noscript><meta http-equiv="refresh"' in html
    assert other_page.get(url).status_code == 404
    jobs.run_waiting()
    to = f"/targets/?job={job.pk}"
    assert page.get(url)["Location"] == to
    assert page.get(url, headers={"HX-Request": "true"})["HX-Redirect"] == to
    assert Client().get(url)["Location"].startswith("/accounts/login/")


def test_the_page_says_that_no_worker_came(page: Client, member: Member) -> None:
    job = start(member)
    assert "background worker" not in text_of(page.get(f"/waiting/{job.pk}/"))
    Job.objects.update(created_at=now() - timedelta(seconds=21))
    assert "The background worker has not started this yet." in text_of(page.get(f"/waiting/{job.pk}/"))


def test_the_page_says_that_a_worker_stopped(page: Client, member: Member) -> None:
    job = start(member)
    Job.objects.update(state=Job.State.RUNNING, started_at=now() - timedelta(seconds=30))
    assert "stopped" not in text_of(page.get(f"/waiting/{job.pk}/"))
    Job.objects.update(started_at=now() - timedelta(minutes=3))
    assert "The background worker stopped before it was done." in text_of(page.get(f"/waiting/{job.pk}/"))
