"""C++ and Templet cells in a true kernel on a true hub."""

from __future__ import annotations

import pytest

from tests.support.kernel import Kernel

from .test_interrupts import assert_cancelled, interrupt_when

pytestmark = pytest.mark.system("g++")


def test_values_of_a_cpp_cell_go_and_come(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nA = np.arange(6.0).reshape(2, 3); word = 'Ляпунов'; n = 2**63")
    cell = kernel.run(
        "%%remote cpp --in A,word,n --out sums,back,m\n#include <iostream>\nstd::vector<double> sums;\n"
        "for (auto &row : A) { double s = 0; for (double a : row) s += a; sums.push_back(s); }\n"
        'auto back = word + "!"; auto m = n + 1; std::cout << "готово" << std::endl;'
    )
    assert (cell.status, cell.text(), cell.text("stderr")) == ("ok", "готово\n", ""), cell.error
    assert kernel.run("sums.tolist(), back, m == n + 1").result == "([3.0, 12.0], 'Ляпунов!', True)"
    assert cell.header.startswith("cpp on ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("int x = 1;\nint y = q;", "‘q’ was not declared in this scope (line 2 of the cell)"),
        ("volatile int *p = nullptr;\n*p = 1;", "the program was killed by SIGSEGV"),
        ("#include <stdexcept>\nthrow std::runtime_error(\"no\");", "std::runtime_error: no"),
        ("#include <cstdlib>\nstd::exit(3);", "exit code 3"),
    ],
)  # fmt: skip
def test_an_error_is_the_cells(kernel: Kernel, code: str, said: str) -> None:
    cell = kernel.run(f"%%remote cpp\n{code}")
    assert cell.status == "error"
    assert said in cell.error


def test_an_endless_loop_is_interrupted(kernel: Kernel) -> None:
    code = '%%remote cpp\n#include <cstdio>\nstd::puts("ready");\nfor (volatile int i = 0;; i = i + 1) {}'
    message = kernel.send_cell(code)
    cell = kernel.collect(message, watch=interrupt_when(kernel, "ready", kernel.manager.interrupt_kernel))
    assert_cancelled(cell)


@pytest.mark.system("libcurl4-openssl-dev")
def test_a_templet_cell_asks_the_hub_that_runs_it(kernel: Kernel) -> None:
    cell = kernel.run(
        "%%remote templet --out status\n#include <curl/curl.h>\n#include <cstdlib>\n#include <string>\n"
        'std::string url = std::string(std::getenv("EVEREST_SERVER")) + "/api/jobs";\n'
        'std::string token = std::string("access_token=") + std::getenv("EVEREST_TASK_TOKEN");\n'
        "CURL *curl = curl_easy_init();\ncurl_easy_setopt(curl, CURLOPT_URL, url.c_str());\n"
        'curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");\ncurl_easy_setopt(curl, CURLOPT_COOKIE, token.c_str());\n'
        "bool went = curl_easy_perform(curl) == CURLE_OK;\nlong status = 0;\n"
        "curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);\ncurl_easy_cleanup(curl);"
    )
    assert cell.status == "ok", cell.error
    assert '"state":"RUNNING"' in cell.text().replace(" ", "")
    assert kernel.run("status").result == "200"
