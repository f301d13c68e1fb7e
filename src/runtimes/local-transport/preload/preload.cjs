'use strict';
/**
 * What the peer lets Node load in front of a chaincode that it starts (`NODE_OPTIONS=--require`): where the chaincode comes to
 * fabric-shim, its stream to the peer goes over a Unix socket instead of gRPC. It runs in every Node process of the chaincode, also in
 * npm's and in old versions of Node, and must never break one: whatever is not as expected stays as it is, and the shim dials gRPC.
 */
const socket = process.env['SELVAGE_CHAINCODE_SOCKET'];
if (socket) watch(socket);

/**
 * Waits for the file of fabric-shim that holds the stream, wherever it lies: in node_modules, below pnpm's store, loaded by `require` or
 * by an import of a module. A chaincode that brings it along in a bundle never loads it.
 * @param {string} path
 */
function watch(path) {
  // biome-ignore lint/style/useNodejsImportProtocol: Node before 14.18 does not know it
  const extensions = /** @type {any} */ (require('module'))._extensions;
  const load = extensions['.js'];
  if (typeof load !== 'function') return;
  /** @type {NodeModuleLoader} */
  const watched = function (module, filename) {
    load.call(this, module, filename);
    if (!/[\\/]fabric-shim[\\/]lib[\\/]handler\.js$/.test(filename)) return;
    if (extensions['.js'] === watched) extensions['.js'] = load;
    try {
      require('./shim-patch.cjs').patchShim(module, filename, path);
    } catch {
      // then it is none that we know
    }
  };
  extensions['.js'] = watched;
}

/** @typedef {(this: unknown, module: NodeJS.Module, filename: string) => void} NodeModuleLoader */
