import pytest

from stegolab.carrier.lattice import LatticeCarrier
from stegolab.carrier.strengths import FILE, JPEG
from stegolab.carrier.textured.lattice import TexturedLattice
from stegolab.study import trial

from .pictures import measured, sample, text


@pytest.fixture(scope="package")
def covers():
    return {name: sample(name) for name in ("astronaut", "coffee")}


@pytest.fixture(scope="package")
def undisturbed(no_search):
    """The rows of a study that nothing interrupts, computed one by one."""
    return text(measured())


@pytest.fixture(scope="package", autouse=True)
def no_search():
    """Failures come at once here; the search for other sizes, crops and carriers has its own tests."""
    with pytest.MonkeyPatch.context() as patch:
        here = [LatticeCarrier(FILE), TexturedLattice.of("jpeg"), LatticeCarrier(JPEG)]
        patch.setattr(trial, "EveryCarrier", lambda: here)
        yield
