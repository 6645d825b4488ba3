"Package metadata comes from settings.ini, the one place that holds it."

import sys
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

parser = ConfigParser(delimiters=["="])
parser.read("settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
extras = ("dev", "tools", "cluster", "synth", "pitch", "widgets", "media", "tables", "xlsx")


class BuildWithResults(build_py):
    "The measured results that the book's pages quote travel with the package and with its sources."

    folder = Path(settings["results_path"])

    def quoted(self):
        "Where they lie."
        for pattern in settings["quoted_results"].split():
            found = sorted(self.folder.glob(pattern))
            if not found:
                sys.exit(f"settings.ini: quoted_results: nothing in {self.folder}/ is called {pattern}")
            yield from found

    def get_source_files(self):
        "What an archive of the sources holds."
        return [*super().get_source_files(), *map(str, self.quoted())]

    def run(self):
        "Copy them to where `results_file` finds them without the repository."
        super().run()
        for path in self.quoted():
            target = Path(self.build_lib, "sere_nb", "bundled", "results", path.relative_to(self.folder))
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(
    cmdclass={"build_py": BuildWithResults},
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=settings["author"],
    author_email=settings["author_email"],
    url=settings["git_url"],
    project_urls={"Documentation": settings["doc_host"] + settings["doc_baseurl"]},
    keywords=settings["keywords"].split(),
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=" + settings["min_python"],
    packages=find_packages(include=["sere_nb", "sere_nb.*"]),
    include_package_data=False,  # these files, not whatever MANIFEST.in names
    package_data={"sere_nb": ["bundled/**/*"]},
    install_requires=settings["requirements"].split(),
    extras_require={name: settings[f"{name}_requirements"].split() for name in extras},
    entry_points={"console_scripts": settings["console_scripts"].split()},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Intended Audience :: Education",
        "Programming Language :: Python :: 3",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
    ],
    zip_safe=False,
)
