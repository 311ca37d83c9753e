"""The language server: what editors ask about a program (docs/editors.md).

All modules but `server` are plain functions of a document; `server` alone speaks the
Language Server Protocol and needs pygls, an optional package (`varpulis[lsp]`).
"""
