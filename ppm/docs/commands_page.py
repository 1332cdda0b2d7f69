"""docs/commands.md, from the command line itself."""

import inspect
from collections.abc import Iterator

import click

from ppm.cli import ppm

_INTRODUCTION = """# Commands

Generated from the command line itself by `python -m ppm.docs`.

One program per word: `ppm WORD`. Each has `--help`. Exit codes: 0 done, 1 it failed (one line on the standard error
says why), 2 the command line is wrong, 130 it was stopped by Ctrl-C before it began. Where data is printed, `--json`
prints JSON and nothing else. Settings are in [settings.md](settings.md).

## Completion

Put one of these lines where your shell starts:

```
eval "$(_PPM_COMPLETE=bash_source ppm)"           # ~/.bashrc
eval "$(_PPM_COMPLETE=zsh_source ppm)"            # ~/.zshrc
_PPM_COMPLETE=fish_source ppm | source            # ~/.config/fish/config.fish
```
"""


def render() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_section(command, path) for path, command in walk())


def walk() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something or has others below it, with its words."""
    yield from _below(ppm, click.Context(ppm, info_name="ppm"))


def _below(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield inner.command_path, command
        if isinstance(command, click.Group):
            yield from _below(command, inner)


def _section(command: click.Command, path: str) -> str:
    level = "#" * len(path.split())
    words = " ".join(_usage(one) for one in command.params)
    only_group = isinstance(command, click.Group) and not command.invoke_without_command
    usage = "" if only_group else f"\n```\n{f'{path} {words}'.strip()}\n```\n"
    said = inspect.cleandoc(command.help or "")
    return f"\n{level} {path}\n{usage}\n{said}\n{_options(command)}"


def _usage(one: click.Parameter) -> str:
    if isinstance(one, click.Argument):
        return f"{(one.name or '').upper()}{'...' if one.nargs == -1 else ''}"
    assert isinstance(one, click.Option)
    word = one.opts[-1] if one.is_flag else f"{one.opts[-1]} {_kind(one)}"
    return word if one.required else f"[{word}]"


def _kind(one: click.Option) -> str:
    if one.metavar:
        return one.metavar
    if isinstance(one.type, click.Choice):
        return "|".join(map(str, one.type.choices))
    return {"integer range": "INTEGER", "file": "FILE"}.get(one.type.name, one.type.name.upper())


def _options(command: click.Command) -> str:
    options = [one for one in command.params if isinstance(one, click.Option)]
    if not options:
        return ""
    rows = "".join(
        f"| `{' / '.join([*one.opts, *one.secondary_opts])}` | {_meaning(one)} |\n" for one in options
    )
    return f"\n| option | meaning |\n| --- | --- |\n{rows}"


def _meaning(one: click.Option) -> str:
    default = f" Default: `{one.default}`." if one.show_default and one.default is not None else ""
    return f"{one.help or ''}{default}".strip().replace("|", "\\|")
