"""Names in files from elsewhere lead nowhere outside the folder they came in."""

from pathlib import Path

import pytest
import yaml

from bench.config import load_spec
from bench.data.loading import load_user
from bench.data.places import mirror_folder
from bench.errors import BenchError, DataError, SpecError

LINKS = ("link.csv", "linked/secret.csv")
OUTSIDE = ("../secret.csv", "inner/../../secret.csv", "/etc/passwd", *LINKS, "a\x00b.csv", "a\nb.csv")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder beside a file that is not meant to be read, with links that lead there."""
    inside = tmp_path / "inside"
    (inside / "inner").mkdir(parents=True)
    for path in (tmp_path / "secret.csv", inside / "good.csv"):
        path.write_text("text,label\na,x\nb,y\nc,x\nd,y\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    (inside / "linked").symlink_to(tmp_path)
    return inside


def user_file(folder: Path, **fields: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "train": "good.csv", "test": "good.csv", **fields}))
    return path


def test_files_inside_the_folder_are_read(folder):
    assert len(load_user(user_file(folder, train="inner/../good.csv")).train) == 4


@pytest.mark.parametrize("field", ["train", "test"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_user_s_file_names_no_data_outside_its_folder(folder, field, name):
    with pytest.raises(DataError, match=r"leaves the folder of the YAML file|is no name of a file") as caught:
        load_user(user_file(folder, **{field: name}))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["..", ".", "", "../inside", "/etc", "a/b", "inner/..", "a\x00b"])
def test_a_dataset_s_name_is_no_way_out_of_the_mirror(folder, name):
    (folder.parent / "info.json").write_text("{}")  # what marks a mirrored dataset
    (folder / "info.json").write_text("{}")
    assert mirror_folder(name, folder) is None


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/b", "a\\b", ".", " ", "a\x00b", "a\nb"])
def test_a_grid_s_name_is_no_way_out_of_the_results(tmp_path, name):
    path = tmp_path / "grid.yaml"
    path.write_text(yaml.safe_dump({"name": name, "tasks": ["sst2"]}))
    with pytest.raises(SpecError, match="printable characters without slashes") as caught:
        load_spec(str(path))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system ['touch FILE']", "!!python/name:os.system", "!x y"])
@pytest.mark.parametrize("read", [lambda path: load_spec(str(path)), load_user])
def test_yaml_makes_plain_values_only(tmp_path, text, read):
    trace, path = tmp_path / "trace", tmp_path / "x.yaml"
    path.write_text(f"name: x\ntasks: {text.replace('FILE', str(trace))}\n")
    with pytest.raises(BenchError, match="is not YAML"):
        read(path)
    assert not trace.exists()
