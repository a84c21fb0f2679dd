"""Writes envoy/envoy.yaml with other values on the lines that carry a marker.

    python3 envoy/render.py PORT=10001 POLICY=@policy.json ACCESS_LOG=@access_log.json > rendered.yaml

Each argument is NAME=value, or NAME=@file for the text of a file; every NAME is a marker "# <NAME>" at the
end of a line, or on a line of its own before entries of a list that end at "# </NAME>"; the value then is
one such entry in JSON.
"""

import json
import pathlib
import re
import sys

LINE = re.compile(r"^(?P<key>[\s-]*\w+: )(?P<value>.*?)(?P<mark>\s+# <(?P<name>[A-Z_]+)>)$")


def render(text, values):
    """Replaces each marked value, every NAME exactly once; raises KeyError for one without a line."""
    left, lines, skipped = dict(values), [], None
    for line in text.splitlines():
        begin = re.fullmatch(r"(\s*)# <([A-Z_]+)>", line)
        if begin and begin[2] in left:
            skipped = f"{begin[1]}# </{begin[2]}>"
            # JSON is YAML; in one line it needs no indentation.
            lines.append(f"{begin[1]}- {json.dumps(json.loads(left.pop(begin[2])))}")
        if skipped:
            if line == skipped:
                skipped = None
            continue
        match = LINE.match(line)
        if match and match["name"] in left:
            value = left.pop(match["name"])
            # JSON's strings are YAML's double-quoted ones.
            if not match["name"].endswith("PORT"):
                value = json.dumps(value)
            line = match["key"] + value + match["mark"]
        lines.append(line)
    if left:
        raise KeyError(f"no line of the configuration is marked <{next(iter(left))}>")
    return "\n".join(lines) + "\n"


def main():
    values = {}
    for argument in sys.argv[1:]:
        name, equals, value = argument.partition("=")
        if not equals:
            sys.exit(f"render.py: '{argument}' is not NAME=value")
        if value.startswith("@"):
            try:
                value = pathlib.Path(value[1:]).read_text("utf-8")
            except (OSError, ValueError) as error:
                sys.exit(f"render.py: {value[1:]} cannot be read: {error}")
        values[name] = value
    try:
        sys.stdout.write(render(pathlib.Path(__file__).with_name("envoy.yaml").read_text("utf-8"), values))
    except KeyError as error:
        sys.exit(f"render.py: {error.args[0]}")


if __name__ == "__main__":
    main()
