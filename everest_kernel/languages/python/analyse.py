"""Which names a Python cell takes and gives, read from its text."""

from __future__ import annotations

import ast

from ...wire import CellError
from ..base import Names

__all__ = ["find_names"]

_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def find_names(code: str) -> Names:
    """Names that the cell uses without having assigned them, and names that it assigns at top level.

    Statements are followed in order. A name is *free* when it is used where no statement before it has assigned it
    for certain, and *maybe free* when a branch, a loop or a function body leaves that open. Names of builtins are among
    them: only the user's namespace can tell whether one was given another meaning.

    Raises:
        CellError: a syntax error, with its line.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        text = (error.text or "").rstrip()
        raise CellError(
            f"SyntaxError: {error.msg} (line {error.lineno} of the cell: {text})",
            hint="Nothing was sent.",
        ) from error
    walker = _Walker()
    walker.block(tree.body)
    maybe = {name: None for name in walker.maybe if name not in walker.free}
    for name in walker.deferred:  # bodies of functions run later: what the cell assigns anywhere is theirs
        if name in walker.assigned:
            if name not in walker.free:
                maybe.setdefault(name)
        else:
            walker.free.setdefault(name)
    return Names(
        free=tuple(walker.free),
        maybe_free=tuple(n for n in maybe if n not in walker.free),
        assigned=tuple(n for n in walker.assigned if not n.startswith("_") and n not in walker.imported),
    )


class _Walker:
    """Follows statements in order; dictionaries serve as ordered sets."""

    def __init__(self) -> None:
        self.free: dict[str, None] = {}
        self.maybe: dict[str, None] = {}
        self.deferred: dict[str, None] = {}
        self.assigned: dict[str, None] = {}
        self.imported: set[str] = set()
        self._sure: set[str] = set()

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """One statement: what it loads first, then what it stores."""
        if isinstance(node, ast.If):
            self._load(node.test)
            self._branches([node.body, node.orelse])
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._load(node.iter)
            self._branches([[_store(node.target), *node.body], node.orelse], certain=False)
        elif isinstance(node, ast.While):
            self._load(node.test)
            self._branches([node.body, node.orelse], certain=False)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self._load(item.context_expr)
                if item.optional_vars is not None:
                    self._targets(item.optional_vars)
            self.block(node.body)
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            self._try(node)  # type: ignore[arg-type]
        elif isinstance(node, ast.Match):
            self._match(node)
        else:
            self._simple(node)

    def _simple(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._definition(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = (alias.asname or alias.name).split(".", 1)[0]
                self.imported.add(name)
                self._assign(name)
        elif isinstance(node, ast.AugAssign):
            self._load(node.value)
            self._targets(node.target, loads=True)
        elif isinstance(node, ast.Assign):
            self._load(node.value)
            for target in node.targets:
                self._targets(target)
        elif isinstance(node, ast.AnnAssign):
            self._load(node.annotation)
            if node.value is not None:
                self._load(node.value)
                self._targets(node.target)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._load(target)
                if isinstance(target, ast.Name):
                    self._sure.discard(target.id)
                    self.assigned.pop(target.id, None)
        else:
            self._load(node)

    def _try(self, node: ast.Try) -> None:
        # whatever the body assigns may not have happened when a handler runs
        before = set(self._sure)
        self.block(node.body)
        self.block(node.orelse)
        after = set(self._sure)
        for handler in node.handlers:
            self._sure = set(before)
            if handler.type is not None:
                self._load(handler.type)
            if handler.name:
                self._sure.add(handler.name)
            self.block(handler.body)
            after &= self._sure
        self._sure = after
        self.block(node.finalbody)

    def _match(self, node: ast.Match) -> None:
        self._load(node.subject)
        branches: list[list[ast.stmt]] = []
        for case in node.cases:
            captured: list[ast.stmt] = []
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    captured.append(_store(ast.Name(name, ast.Store())))
                if isinstance(part, ast.expr):
                    self._load(part)
            guard = [] if case.guard is None else [ast.Expr(case.guard)]
            branches.append([*captured, *guard, *case.body])
        self._branches(branches, certain=False)

    def _branches(self, blocks: list[list[ast.stmt]], *, certain: bool = True) -> None:
        """Alternatives: what each assigns is sure inside it, and afterwards only when all of them do."""
        before, ends = set(self._sure), []
        for block in blocks:
            self._sure = set(before)
            self.block(block)
            ends.append(self._sure)
        self._sure = set.intersection(*ends) if certain else before

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._load(decorator)
        if isinstance(node, ast.ClassDef):
            inner = _Walker()
            inner._sure = set(self._sure)
            inner.block(node.body)
            for base in [*node.bases, *(k.value for k in node.keywords)]:
                self._load(base)
            self.free.update(inner.free)
            self.maybe.update(inner.maybe)
            self.deferred.update(inner.deferred)
        else:
            for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
                self._load(default)
            self.deferred.update(dict.fromkeys(_outer_names(node)))
            for name in _declared_global(node):
                self.assigned.setdefault(name)
        self._assign(node.name)

    def _load(self, node: ast.AST) -> None:
        """Every name that an expression loads; names that it binds by `:=` are assigned."""
        for part in _walk_scope(node):
            if isinstance(part, ast.Lambda):
                self.deferred.update(dict.fromkeys(_outer_names(part)))
            elif isinstance(part, _SCOPES):
                for name in _outer_names(part):
                    self._use(name)
            elif isinstance(part, ast.Name) and isinstance(part.ctx, (ast.Load, ast.Del)):
                self._use(part.id)
            elif isinstance(part, ast.NamedExpr) and isinstance(part.target, ast.Name):
                self._load(part.value)
                self._assign(part.target.id)

    def _targets(self, target: ast.expr, *, loads: bool = False) -> None:
        changed: list[str] = []
        for part in ast.walk(target):
            if isinstance(part, (ast.Subscript, ast.Attribute)) and isinstance(part.ctx, ast.Store):
                changed += _root(part)  # `a[i] = x` and `a.b = x` change a, which then has to come back
            if not isinstance(part, ast.Name):
                continue
            if isinstance(part.ctx, ast.Store):
                if loads:
                    self._use(part.id)
                self._assign(part.id)
            else:
                self._use(part.id)
        for name in changed:
            self.assigned.setdefault(name)

    def _use(self, name: str) -> None:
        if name in self._sure:
            return
        (self.maybe if name in self.assigned else self.free).setdefault(name)

    def _assign(self, name: str) -> None:
        self._sure.add(name)
        self.assigned.setdefault(name)


def _root(node: ast.expr) -> list[str]:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _store(target: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[target], value=ast.Constant(None))


def _walk_scope(node: ast.AST) -> list[ast.AST]:
    """The nodes of one scope in source order; inner scopes appear but are not entered."""
    found: list[ast.AST] = [node]
    if isinstance(node, (*_SCOPES, ast.NamedExpr)):
        return found
    for child in ast.iter_child_nodes(node):
        found.extend(_walk_scope(child))
    return found


def _outer_names(node: ast.AST) -> list[str]:
    """Names that a function or comprehension takes from outside, in order."""
    bound = {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
    loaded: dict[str, None] = {}
    declared = set(_declared_global(node))
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if isinstance(part.ctx, ast.Load):
                loaded.setdefault(part.id)
            elif part.id not in declared:
                bound.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and part is not node:
            bound.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            bound.update((a.asname or a.name).split(".", 1)[0] for a in part.names)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            bound.add(part.name)
    return [name for name in loaded if name not in bound]


def _declared_global(node: ast.AST) -> list[str]:
    return [name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names]
