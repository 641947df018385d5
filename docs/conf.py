"""How the documentation is built: `make docs`."""

from perijove import __version__

project = "perijove"
author = "perijove contributors"
copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = "perijove"
html_static_path = ["_static"]
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": [],
    "footer_end": [],
}

# The prompt and what a command prints are not copied.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
