import { SelvageError } from '../../common/errors.ts';

/** The paths of one archive: refuses one that comes twice, and one that lies in a file. A folder may be named again. */
export class DistinctPaths {
  readonly #kinds = new Map<string, 'file' | 'directory'>();

  /** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with the text that unpacking has */
  add(path: string, kind: 'file' | 'directory'): void {
    if (this.#kinds.get(path) === 'file' || (kind === 'file' && this.#kinds.has(path))) throw twice();
    this.#kinds.set(path, kind);
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at);
      const known = this.#kinds.get(parent);
      if (known === 'file') throw twice();
      if (known === 'directory') return; // and so are the folders above it
      this.#kinds.set(parent, 'directory');
    }
  }
}

const twice = (): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', 'the code package is refused: a name comes twice');
