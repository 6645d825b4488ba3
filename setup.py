"Package metadata comes from settings.ini, the one place that holds it."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

settings = ConfigParser(delimiters=["="])
settings.read("settings.ini", encoding="utf-8")
settings = settings["DEFAULT"]
extras = {name: settings[f"{name}_requirements"].split() for name in ("dev", "cluster", "synth", "pitch", "widgets")}


class BuildWithResults(build_py):
    "The measured results that the chapters quote travel with the package."

    def run(self):
        super().run()
        for path in sorted(Path("results").glob("*.*")):
            self.mkpath(f"{self.build_lib}/sere_nb/bundled/results")
            self.copy_file(str(path), f"{self.build_lib}/sere_nb/bundled/results/{path.name}")


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
    include_package_data=True,
    install_requires=settings["requirements"].split(),
    extras_require=extras,
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
