"""The plan: which target, how long before or after the start, on what condition."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from common.channels import registry
from registration.access import targets_for
from registration.forms.base import PanelForm
from registration.models import Member, Registration, Step, Target, User

UNITS: Final[Mapping[str, timedelta]] = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
EARLIEST: Final = timedelta(days=60)
LATEST: Final = timedelta(days=7)
MAX_STEPS: Final = 20
REDIALS: Final = (("", "redial once"), (0, "don't redial"), (2, "redial twice"), (3, "redial 3 times"))
"""How often a call that is busy or not answered is repeated, where the plan has nothing else."""
ONCE: Final = 1
ROWS_WITHOUT_SCRIPT: Final = 3


def split_offset(offset: timedelta) -> dict[str, Any]:
    """Return an offset as the form's fields, in the largest unit that fits it."""
    span = abs(offset)
    unit = next((u for u, size in reversed(list(UNITS.items())) if span and not span % size), "minutes")
    direction = "after" if offset > timedelta(0) else "before"
    return {"amount": span // UNITS[unit], "unit": unit, "direction": direction}


class _TargetChoices:
    """The targets of a select, grouped by member where there are several."""

    def __init__(self, targets: QuerySet[Target], kept: set[int]) -> None:
        rows = targets.select_related("member").order_by("member__name", "member_id", "kind", "pk")
        shown = [target for target in rows if target.is_usable or target.pk in kept]
        self.by_pk = {target.pk: target for target in rows}
        groups: dict[Member, list[Target]] = {}
        for target in shown:
            groups.setdefault(target.member, []).append(target)
        # A closed select shows no group: the option itself says whose it is.
        self.choices: list[tuple[str, Any]] = [("", "—")]
        for member, own in groups.items():
            if len(groups) == 1:
                self.choices += [(str(one.pk), self._name(one)) for one in own]
            else:
                self.choices.append((str(member), [(one.pk, f"{member}: {self._name(one)}") for one in own]))

    def by_member(self) -> dict[int, list[dict[str, Any]]]:
        """Return what a script needs to put one member's targets in the place of another's, the best one first."""
        found: dict[int, list[dict[str, Any]]] = {}
        for target in sorted((t for t in self.by_pk.values() if t.is_usable), key=_place):
            found.setdefault(target.member_id, []).append({"pk": target.pk, "kind": target.kind})
        return found

    def first_of(self, member: Member) -> int | None:
        """Return the target that a member's new plan begins with: a built-in one, or the one verified first."""
        own = (t for t in self.by_pk.values() if t.member_id == member.pk and t.is_usable)
        first = min(own, key=_place, default=None)
        return first.pk if first else None

    @staticmethod
    def _name(target: Target) -> str:
        channel = registry().get(target.kind)
        kind = channel.label if channel else target.kind
        state = "" if target.is_usable else " (not usable)"
        return f"{kind}{state}" if target.contact.is_single else f"{kind}: {target}{state}"


def _place(target: Target) -> tuple[bool, datetime | None, int]:
    return not target.is_built_in, target.verified_at, target.pk


class _TargetField(forms.TypedChoiceField):
    """Takes every target that may be reached, so that one that can't be used gets a better sentence."""

    known: Mapping[int, Target] = {}

    def valid_value(self, value: Any) -> bool:
        """Say whether the target may be seen at all."""
        return str(value).isdecimal() and int(value) in self.known


class StepForm(PanelForm, forms.Form):
    """One row. A row without a target that was left as it came is not there."""

    step = forms.IntegerField(required=False, widget=forms.HiddenInput)
    target = _TargetField(coerce=int, empty_value=None, required=False, label="Contact method")
    amount = forms.IntegerField(min_value=0, max_value=10_000_000, label="When", initial=10)
    unit = forms.ChoiceField(choices=[(u, u) for u in UNITS], initial="minutes", label="Unit")
    direction = forms.ChoiceField(
        choices=[("before", "before"), ("after", "after")], initial="before", label="Before or after"
    )
    condition = forms.ChoiceField(
        choices=Step.Condition.choices, initial=Step.Condition.UNCONFIRMED, label="Condition"
    )
    redials = forms.TypedChoiceField(
        choices=REDIALS, coerce=int, empty_value=None, required=False, label="If a call is not answered"
    )

    def __init__(self, *args: Any, targets: _TargetChoices, **kwargs: Any) -> None:
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        self._targets = targets
        field = self.fields["target"]
        if isinstance(field, _TargetField):
            field.known = targets.by_pk
            field.choices = targets.choices

    def clean(self) -> dict[str, Any]:
        """Ask for a usable target and for a time within reach."""
        cleaned = super().clean() or self.cleaned_data
        if self.cleaned_data.get("DELETE"):
            return cleaned
        target = self._targets.by_pk.get(cleaned.get("target") or 0)
        if target is None and "target" not in self.errors:
            self.add_error("target", "Choose a contact method.")
        elif target is not None and not target.is_usable:
            why = "is not verified yet" if target.verified_at is None else "is switched off"
            self.add_error("target", f"{target} {why}.")
        if {"amount", "unit", "direction"} <= cleaned.keys():
            self._clean_offset(cleaned)
        return cleaned

    def _clean_offset(self, cleaned: dict[str, Any]) -> None:
        span = cleaned["amount"] * UNITS[cleaned["unit"]]
        is_before = cleaned["direction"] == "before"
        if span > (EARLIEST if is_before else LATEST):
            days = EARLIEST.days if is_before else LATEST.days
            self.add_error("amount", f"At most {days} days {cleaned['direction']} the start.")
        cleaned["offset"] = -span if is_before else span


def _redials(data: Mapping[str, Any]) -> int:
    chosen = data.get("redials")
    return ONCE if chosen is None else int(chosen)


class BaseStepFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """A plan of at least one step, none of them twice."""

    default_error_messages = {
        **forms.BaseFormSet.default_error_messages,
        "too_many_forms": "A plan has at most %(num)d steps.",
    }

    is_needed: bool = True
    """Whether there has to be at least one step."""
    first_target: int | None = None
    """What the first row of a new plan begins with."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Have a new plan begin with a target that can be used at once."""
        given: dict[str, Any] = super().get_form_kwargs(index)
        if index == 0 and self.first_target is not None and not self.is_bound:
            given["initial"] = {"target": self.first_target}
        return given

    def clean(self) -> None:
        """Refuse an empty plan and a step that stands there twice."""
        if any(form.errors for form in self.forms if not form.cleaned_data.get("DELETE")):
            return
        steps = set()
        for form in self.kept():
            step = form.cleaned_data["target"], form.cleaned_data["offset"]
            if step in steps:
                form.add_error("target", "The plan has this step already.")
            steps.add(step)
        if not steps and self.is_needed:
            raise forms.ValidationError("The plan needs at least one step: a contact method and a time.")

    @property
    def redialed(self) -> str:
        """The targets that may be called again, as a script needs them: keys, separated by spaces."""
        kinds = {kind for kind, channel in registry().items() if channel.capabilities.can_redial}
        targets = self.form_kwargs["targets"].by_pk.values()
        return " ".join(str(target.pk) for target in targets if target.kind in kinds)

    @property
    def targets_by_member(self) -> dict[int, list[dict[str, Any]]]:
        """The usable targets of each member, for the script that has the plan follow the chosen member."""
        targets: _TargetChoices = self.form_kwargs["targets"]
        return targets.by_member()

    def kept(self) -> list[StepForm]:
        """Return the rows that are steps: filled in and not removed."""
        return [
            form
            for form in self.forms
            if form.cleaned_data.get("target") and not form.cleaned_data.get("DELETE")
        ]

    def steps_for(self, registration: Registration) -> list[Step]:
        """Return the steps as they are typed so far, not stored; what can't be used is left out."""
        return [
            Step(
                registration=registration,
                target=self.form_kwargs["targets"].by_pk[form.cleaned_data["target"]],
                offset=form.cleaned_data["offset"],
                condition=form.cleaned_data.get("condition") or Step.Condition.UNCONFIRMED,
                redials=_redials(form.cleaned_data),
            )
            for form in self.kept()
            if not form.errors and "offset" in form.cleaned_data
        ]

    def save(self, registration: Registration) -> None:
        """Bring the registration's steps in line; a step that was only moved stays the same row."""
        stored = {step.pk: step for step in registration.steps.all()}
        wanted = [(stored.get(form.cleaned_data.get("step") or 0), form.cleaned_data) for form in self.kept()]
        staying = {step.pk: (step.target_id, step.offset) for step, _data in wanted if step}
        moved = {
            s.pk: (d["target"], d["offset"])
            for s, d in wanted
            if s and staying[s.pk] != (d["target"], d["offset"])
        }
        if set(moved.values()) & set(staying.values()):
            # They change places: no row may stand in another's way in between.
            staying = {pk: place for pk, place in staying.items() if pk not in moved}
        registration.steps.exclude(pk__in=staying).delete()
        for step, data in wanted:
            row = step if step is not None and step.pk in staying else Step(registration=registration)
            row.target_id, row.offset, row.condition = data["target"], data["offset"], data["condition"]
            row.redials = _redials(data)
            row.save()


def step_formset(
    user: User, member: Member, registration: Registration | None, data: Any = None
) -> BaseStepFormSet:
    """Return the rows of a registration's plan, with empty ones for those without scripts.

    A new plan begins with a target of ``member``.
    """
    steps = list(registration.steps.all()) if registration else []
    kept = {step.target_id for step in steps}
    reachable = targets_for(user) | Target.objects.filter(pk__in=kept)
    choices = _TargetChoices(reachable, kept)
    initial = [
        {
            "step": step.pk,
            "target": step.target_id,
            "condition": step.condition,
            "redials": "" if step.redials == ONCE else step.redials,
            **split_offset(step.offset),
        }
        for step in steps
    ]
    factory: type[BaseStepFormSet] = forms.formset_factory(  # type: ignore[assignment]
        StepForm,
        formset=BaseStepFormSet,
        extra=ROWS_WITHOUT_SCRIPT if not steps else 1,
        can_delete=True,
        max_num=MAX_STEPS,
        absolute_max=MAX_STEPS + 1,
        validate_max=True,
    )
    plan = factory(data, initial=initial, prefix="steps", form_kwargs={"targets": choices})
    if not steps:
        plan.first_target = choices.first_of(member)
    return plan
