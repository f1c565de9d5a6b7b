"""The apps work inside somebody else's project, with a user model of its own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def told(tmp_path, story, settings):
    """Run a story in a process of the host project's own, and return what it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURSAR_", "DATABASE_URL"))}
    environment = clean | {
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": str(HERE),
        "HOST_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); import {story}"],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_apps_serve_a_project_with_its_own_user_model(tmp_path):
    assert told(tmp_path, "story", "hostsite.settings") == "differences: 0"


def test_both_apis_answer_where_the_guide_says_to_mount_them(tmp_path):
    assert told(tmp_path, "story_of_the_api", "hostsite.with_api").splitlines()[-1] == "both answer"
