"""Scripts are put together from modules in one plain style; anything else is an error at the start."""

from __future__ import annotations

import pytest

from api.pages.assets import Assets
from api.pages.bundles import bundle
from api.pages.views import EMBED, PAGES, STATIC

LIST = {"js/list.js": "// Lists.\nexport const size = 3;\nexport function first(list) {\n  return list[0];\n}\n"}


def test_an_import_takes_what_the_other_module_exports() -> None:
    main = {"js/main.js": 'import { first, size as most } from "./list.js";\nconsole.log(first([most]));\n'}

    text = bundle("js/main.js", LIST | main, {})

    assert text.index("const size = 3;") < text.index("const { first, size: most } = m0;")
    assert "return { size, first };" in text


def test_comments_and_indents_are_left_out_and_text_stays() -> None:
    source = '// A remark.\n/** About it. */\nexport const address = "https://example.org/*";\n  // Another.\n'

    text = bundle("js/a.js", {"js/a.js": source}, {})

    assert "remark" not in text
    assert "About it" not in text
    assert '"https://example.org/*"' in text


def test_a_module_comes_once_and_before_all_that_import_it() -> None:
    modules = LIST | {
        "js/a.js": 'import { size } from "./list.js";\nexport const a = size;\n',
        "js/b.js": 'import { size } from "./list.js";\nimport { a } from "./a.js";\nexport const b = a + size;\n',
    }

    assert bundle("js/b.js", modules, {}).count("const size = 3;") == 1


def test_what_is_loaded_later_has_its_hashed_address() -> None:
    source = 'const words = () => import("../words/en.js");\n'

    assert 'import("/static/words/en.1.js")' in bundle(
        "js/a.js", {"js/a.js": source}, {"words/en.js": "/static/words/en.1.js"}
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('import * as list from "./list.js";\n', "cannot load"),
        ("export default 3;\n", "cannot load"),
        ('import { size } from "./lost.js";\n', "no such file"),
        ('import { a } from "./a.js";\nexport const a = 1;\n', "in a circle"),
    ],
)
def test_any_other_style_is_an_error(source: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bundle("js/a.js", LIST | {"js/a.js": source}, {})


def test_a_script_has_another_name_when_what_it_imports_changes(tmp_path_factory: pytest.TempPathFactory) -> None:
    names = []
    for size in ("3", "4"):
        folder = tmp_path_factory.mktemp("static")
        (folder / "js").mkdir()
        (folder / "js" / "list.js").write_text(f"export const size = {size};\n")
        (folder / "js" / "a.js").write_text('import { size } from "./list.js";\nconsole.log(size);\n')
        names.append(Assets(folder, ("js/a.js",)).address("js/a.js"))

    assert names[0] != names[1]


def test_all_scripts_of_the_pages_can_be_put_together() -> None:
    assets = Assets(STATIC, (*(page.script for page in PAGES), EMBED))

    assert all(assets.named(assets.at(page.script).name) is not None for page in PAGES)
