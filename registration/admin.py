"""Django's admin for members, targets, registrations and calendars."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from common.clock import now
from registration.forms.accounts import StaffSignInForm
from registration.forms.administration import CalendarAdminForm, RegistrationAdminForm
from registration.membership import add_inbox
from registration.models import Calendar, Member, Registration, Step, Target, User, Verification

admin.site.site_header = "PFS Notice"
admin.site.site_title = "PFS Notice"
admin.site.index_title = "Administration"
admin.site.login_form = StaffSignInForm


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows that only the program writes: they may be looked at and deleted, not changed."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds one by hand."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one by hand."""
        del request, obj
        return False


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Accounts. A password that is set here has to be replaced at the next sign-in."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "must_change_password", "groups")
    date_hierarchy = "date_joined"
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        ("Password", {"fields": ("must_change_password",)}),
    )
    add_fieldsets = (
        *UserAdmin.add_fieldsets,
        (None, {"fields": ("first_name", "last_name", "email", "must_change_password")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whoever gets an account is to choose a password of their own."""
        return {**super().get_changeform_initial_data(request), "must_change_password": "1"}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Have what concerns an account planned anew when it is switched off or on."""
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data:
            Registration.objects.filter(member__user=obj).changed()

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 - Django's
        """Have the person replace a password that somebody else has set."""
        response = super().user_change_password(request, id, form_url)
        is_done = request.method == "POST" and response.status_code == 302  # noqa: PLR2004 - done
        if is_done and str(request.user.pk) != id:
            User.objects.filter(pk=id).update(must_change_password=True)
        return response


class TargetInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """A member's targets, to look at."""

    model = Target
    fields = ("kind", "shown", "label", "verified_at", "disabled_at", "disabled_reason")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Targets are added by the member, as they have to be verified."""
        del request, obj
        return False


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Members; each gets an inbox."""

    list_display = ("name", "user", "time_zone", "language", "daily_cap", "target_count")
    list_filter = ("language", "user__is_active")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "user__email")
    autocomplete_fields = ("user",)
    inlines = (TargetInline,)
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        """Count the targets in the same query."""
        rows: QuerySet[Member] = super().get_queryset(request)
        return rows.annotate(targets_counted=Count("targets"))

    @admin.display(description="targets", ordering="targets_counted")
    def target_count(self, member: Any) -> int:
        """How many targets the member has."""
        return int(member.targets_counted)

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Give the member an inbox, and have days planned anew by the clocks of another zone."""
        super().save_model(request, obj, form, change)
        add_inbox(obj)
        if change and "time_zone" in form.changed_data:
            Registration.objects.filter(member=obj).changed()


@admin.register(Target)
class TargetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Targets. Addresses come from the members, who verify them."""

    list_display = ("shown", "label", "kind", "member", "verified_at", "disabled_at", "disabled_reason")
    list_filter = (
        "kind",
        ("verified_at", admin.EmptyFieldListFilter),
        ("disabled_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("member",)
    search_fields = ("shown", "label", "member__name")
    date_hierarchy = "created_at"
    fields = (
        "member",
        "kind",
        "shown",
        "label",
        "created_at",
        "verified_at",
        "disabled_at",
        "disabled_reason",
    )
    readonly_fields = tuple(name for name in fields if name != "label")
    actions = ("enable", "disable")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Targets are added by the member, as they have to be verified."""
        del request
        return False

    @admin.action(description="Switch the selected targets on")
    def enable(self, request: HttpRequest, targets: QuerySet[Target]) -> None:
        """Switch targets on again."""
        pks = list(targets.filter(disabled_at__isnull=False).values_list("pk", flat=True))
        Target.objects.filter(pk__in=pks).update(disabled_at=None, disabled_reason="")
        self._replan(request, pks, "on")

    @admin.action(description="Switch the selected targets off")
    def disable(self, request: HttpRequest, targets: QuerySet[Target]) -> None:
        """Switch targets off."""
        pks = list(targets.filter(disabled_at__isnull=True).values_list("pk", flat=True))
        Target.objects.filter(pk__in=pks).disable("Switched off by an administrator.")
        self._replan(request, pks, "off")

    def _replan(self, request: HttpRequest, pks: list[int], word: str) -> None:
        Registration.objects.filter(steps__target__in=pks).changed()
        messages.success(request, f"{len(pks)} switched {word}.")


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """Codes that were sent; the codes themselves are not stored."""

    list_display = ("sent_at", "member", "target", "tries_left", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter),)
    list_select_related = ("member", "target")
    search_fields = ("member__name", "target__shown")
    date_hierarchy = "sent_at"
    fields = ("member", "target", "sent_at", "expires_at", "tries_left", "used_at")


class StepInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """The plan."""

    model = Step
    extra = 0
    autocomplete_fields = ("target",)


@admin.register(Registration)
class RegistrationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Registrations with their plans; a change is planned anew."""

    form = RegistrationAdminForm
    list_display = (
        "name",
        "kind",
        "member",
        "starts_at",
        "pattern",
        "calendar",
        "is_active",
        "declined_at",
        "is_planned",
    )
    list_filter = ("kind", "is_active", "severity", "is_planned", ("declined_at", admin.EmptyFieldListFilter))
    list_select_related = ("member", "calendar")
    search_fields = ("name", "title", "pattern", "member__name")
    autocomplete_fields = ("member", "created_by", "calendar")
    readonly_fields = ("is_planned", "created_at", "updated_at")
    date_hierarchy = "created_at"
    inlines = (StepInline,)
    actions = ("switch_on", "switch_off")
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Have the registration planned anew once its steps are stored too."""
        super().save_related(request, form, formsets, change)
        Registration.objects.filter(pk=form.instance.pk).changed()

    @admin.action(description="Switch the selected registrations on")
    def switch_on(self, request: HttpRequest, registrations: QuerySet[Registration]) -> None:
        """Switch registrations on."""
        count = registrations.update(is_active=True, is_planned=False)
        messages.success(request, f"{count} switched on.")

    @admin.action(description="Switch the selected registrations off")
    def switch_off(self, request: HttpRequest, registrations: QuerySet[Registration]) -> None:
        """Switch registrations off."""
        count = registrations.update(is_active=False, is_planned=False)
        messages.success(request, f"{count} switched off.")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """All steps, to search in; they are changed with their registration."""

    list_display = ("registration", "target", "offset", "condition")
    list_filter = ("condition", "target__kind")
    list_select_related = ("registration", "target")
    search_fields = ("registration__name", "target__shown", "target__label")


@admin.register(Calendar)
class CalendarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Calendars, and how their last reading went."""

    form = CalendarAdminForm
    list_display = ("name", "owner", "kind", "host", "is_active", "synced_at", "failures", "problem")
    list_filter = (
        "kind",
        "is_active",
        ("owner", admin.EmptyFieldListFilter),
        ("problem", admin.EmptyFieldListFilter),
    )
    list_select_related = ("owner",)
    search_fields = ("name", "owner__name", "problem")
    autocomplete_fields = ("owner",)
    date_hierarchy = "created_at"
    readonly_fields = (
        "host",
        "synced_at",
        "failed_at",
        "failures",
        "problem",
        "expanded_until",
        "created_at",
    )
    actions = ("read_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calendar]:
        """Leave the uploaded texts, which may be large, in the database."""
        return super().get_queryset(request).defer("content")

    @admin.display(description="server")
    def host(self, calendar: Calendar) -> str:
        """The server alone: the rest of an address is often a secret."""
        return urlsplit(calendar.url).hostname or "-"

    @admin.action(description="Read the selected calendars now")
    def read_now(self, request: HttpRequest, calendars: QuerySet[Calendar]) -> None:
        """Have calendars read as soon as possible."""
        count = calendars.update(next_sync_at=now())
        messages.success(request, f"{count} will be read within a minute.")
