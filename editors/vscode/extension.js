// Starts `varpulis lsp` and leaves all language questions to it.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

async function activate() {
  const command = vscode.workspace.getConfiguration("varpulis").get("command");
  client = new LanguageClient(
    "vpl",
    "Varpulis VPL",
    { command, args: ["lsp"], transport: TransportKind.stdio },
    { documentSelector: [{ language: "vpl" }] },
  );
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `Cannot start '${command} lsp' (${error.message}). Install it with ` +
        "pip install 'varpulis[lsp]', or set varpulis.command to its path.",
    );
  }
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
