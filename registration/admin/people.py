"""Accounts, members and their targets."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from registration.admin.base import ReadOnlyAdmin
from registration.membership import add_built_in, member_of
from registration.models import Member, Registration, Target, User, Verification
from registration.models.targets import SWITCHED_OFF_BY_ADMINISTRATOR


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
        """Ask a new user to choose a new password."""
        return {**super().get_changeform_initial_data(request), "must_change_password": "1"}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Make a new account a member, and plan again what concerns one that is switched off or on."""
        super().save_model(request, obj, form, change)
        member_of(obj)
        if "is_active" in form.changed_data:
            Registration.objects.filter(member__user=obj).changed()

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 - Django's
        """Have the person replace a password that an administrator has set."""
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
    """Members; each gets the built-in targets."""

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

    @admin.display(description="contact methods", ordering="targets_counted")
    def target_count(self, member: Any) -> int:
        """How many targets the member has."""
        return int(member.targets_counted)

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Give the member the built-in targets, and plan again where the time zone has changed."""
        super().save_model(request, obj, form, change)
        add_built_in(obj)
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

    @admin.action(description="Switch the selected contact methods on")
    def enable(self, request: HttpRequest, targets: QuerySet[Target]) -> None:
        """Switch targets on again."""
        pks = list(targets.filter(disabled_at__isnull=False).values_list("pk", flat=True))
        Target.objects.filter(pk__in=pks).update(disabled_at=None, disabled_reason="")
        self._replan(request, pks, "on")

    @admin.action(description="Switch the selected contact methods off")
    def disable(self, request: HttpRequest, targets: QuerySet[Target]) -> None:
        """Switch targets off."""
        pks = list(targets.filter(disabled_at__isnull=True).values_list("pk", flat=True))
        Target.objects.filter(pk__in=pks).disable(SWITCHED_OFF_BY_ADMINISTRATOR)
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
