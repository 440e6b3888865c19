"""The settings of a training as a form shows them: what each means, and what it may be."""

import dataclasses
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from core.learning.config import OPTIMIZERS, PRECISIONS, STAGES, TrainConfig

OF_THE_PROJECT = frozenset(
    {
        *("train_json", "train_images", "val_json", "val_images"),
        *("initial", "output", "categories", "renamed", "feature_cache"),
    }
)
"""Settings that the project decides: its images, its categories, the version in use."""

_CHOICES = {
    "stages": STAGES,
    "optimizer": OPTIMIZERS,
    "precision": PRECISIONS,
    "device": ("auto", "cpu", "cuda"),
}
_GROUPS = {
    "Length": (
        *("epochs", "max_steps", "validate_every", "class_agnostic_metrics"),
        *("patience", "checkpoint_seconds"),
    ),
    "Images": ("image_size", "batch_size", "micro_batch", "scale_jitter", "crop", "copy_paste"),
    "Learning": (
        *("optimizer", "learning_rate", "backbone_rate_factor", "warmup_steps", "momentum"),
        *("weight_decay", "clip_norm", "ema_decay"),
    ),
    "What learns": ("stages", "frozen_modules", "cached_views"),
    "Machine": ("device", "precision", "seed"),
}
_OTHERS = "More"


@dataclass(frozen=True)
class SettingField:
    """One setting.

    Attributes:
        name: In `TrainConfig`.
        group: Title of the group that it stands in.
        help: What it means.
        choices: What it may be, where that is a few words.
        is_flag: Whether it is yes or no.
        may_be_empty: Whether nothing may be said.
        is_list: Whether it is several values, separated by commas.
        default: Of `TrainConfig`.
    """

    name: str
    group: str
    help: str
    choices: tuple[str, ...]
    is_flag: bool
    may_be_empty: bool
    is_list: bool
    default: Any


@cache
def setting_fields() -> tuple[SettingField, ...]:
    """Every setting that a person may choose, in the order of the form."""
    helps = _helps()
    fields = [
        _field(field, _hints()[field.name], helps.get(field.name, ""))
        for field in dataclasses.fields(TrainConfig)
        if field.name not in OF_THE_PROJECT
    ]
    order = [name for names in _GROUPS.values() for name in names]
    return tuple(sorted(fields, key=lambda it: _place(order, it.name)))


def as_text(value: Any) -> str:
    """A setting as the form shows it."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(map(as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_settings(texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read what a form holds.

    Returns:
        The settings, and for each that is wrong why; the settings are of use where none is.
    """
    settings: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in setting_fields():
        if field.name in texts:
            try:
                settings[field.name] = _read(field, texts[field.name].strip())
            except ValueError as error:
                problems[field.name] = str(error)
    if not problems:
        problems = _check(settings)
    return settings, problems


def _read(field: SettingField, text: str) -> Any:
    if field.is_flag:
        return text == "True"
    if not text:
        if field.may_be_empty:
            return None
        if not field.is_list:
            raise ValueError("a value is needed")
    if field.choices or isinstance(field.default, str):
        return text
    if field.is_list:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        numbers = field.default and isinstance(field.default[0], float)
        return [_number(part, float) for part in parts] if numbers else parts
    return _number(text, int if _is_whole(field.name) else float)


def _number(text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        needed = "a whole number is needed" if kind is int else "a number is needed"
        raise ValueError(needed) from None


def _check(settings: dict[str, Any]) -> dict[str, str]:
    """What `TrainConfig` says against them, by the setting that it names."""
    places = {"train_json": "t", "train_images": "i", "output": "o"}
    try:
        TrainConfig.from_dict(settings | places)
    except ValueError as error:
        name, _, reason = str(error).partition(": ")
        return {name: reason} if name in settings else {next(iter(settings)): str(error)}
    return {}


def _is_whole(name: str) -> bool:
    return "int" in _hints()[name]


def _field(field: "dataclasses.Field[Any]", hint: str, words: str) -> SettingField:
    group = next((title for title, names in _GROUPS.items() if field.name in names), _OTHERS)
    return SettingField(
        name=field.name,
        group=group,
        help=words,
        choices=_CHOICES.get(field.name, ()),
        is_flag=hint == str(bool),
        may_be_empty="None" in hint,
        is_list="tuple" in hint,
        default=field.default,
    )


def _place(order: list[str], name: str) -> tuple[bool, int]:
    return name not in order, order.index(name) if name in order else 0


@cache
def _hints() -> dict[str, str]:
    """The type of each; looking them up takes a millisecond, and a form asks for every field."""
    return {name: str(hint) for name, hint in get_type_hints(TrainConfig).items()}


def _helps() -> dict[str, str]:
    """What the docstring of `TrainConfig` says of each."""
    text = inspect.getdoc(TrainConfig) or ""
    parts = re.split(r"\n {4}(\w+): ", text.partition("Attributes:")[2])
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {name: " ".join(words.split()) for name, words in pairs}
