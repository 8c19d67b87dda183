"""The folder of `showtime dev` is its owner's alone, and nothing else in it is touched."""

import stat

from showtime_app.dev_file import DevFile

NOTE = DevFile("http://127.0.0.1:5001", "rewind", None)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_is_open_from_before_is_closed(tmp_path):
    """What is ours is closed to others, the folder as well, and what its owner may do is left as it is."""
    folder = tmp_path / "data"
    (folder / "gallery").mkdir(parents=True)
    for path in (folder, folder / "gallery"):
        path.chmod(0o755)
    for name in ("gallery/boo.jpg", "postgres.log"):
        (folder / name).write_text("boo")
        (folder / name).chmod(0o444)
    NOTE.write(folder)
    assert {path.name: mode(path) for path in [folder, *folder.rglob("*")]} == {
        "data": 0o700,
        "gallery": 0o700,
        "boo.jpg": 0o400,
        "postgres.log": 0o400,
        "dev.json": 0o600,
    }


def test_a_folder_with_things_of_others_stays_open(tmp_path):
    """Where somebody keeps something else, that and the folder stay as they are; ours is closed."""
    folder, script = tmp_path / "home", tmp_path / "home" / "script.sh"
    (folder / "ghosts").mkdir(parents=True)
    script.write_text("echo boo")
    for path in (folder, folder / "ghosts", script):
        path.chmod(0o755)
    (folder / "gallery").symlink_to(tmp_path / "elsewhere")
    NOTE.write(folder)
    assert [mode(path) for path in (folder, script, folder / "ghosts")] == [0o755, 0o755, 0o700]
