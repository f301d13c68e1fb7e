import { access, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { SelvageError } from '../../../common/errors.ts';

/**
 * The JavaScript file of the npm that came with a Node binary, so that chaincode is installed by the Node that runs it; a Node
 * without one (it may come as a bare binary) uses the npm that the user would.
 * @param path folders to look in then, as PATH has them
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED` when there is none
 */
export async function findNpm(nodePath: string, path: string = process.env['PATH'] ?? ''): Promise<string> {
  const folder = dirname(nodePath);
  const real = dirname(await realpath(nodePath).catch(() => nodePath));
  const places = [folder, real].flatMap((bin) => [
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'share', 'nodejs', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'libexec', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ]);
  for (const place of places) if (await exists(place)) return place;
  for (const bin of [folder, ...path.split(delimiter)]) {
    const linked = await realpath(join(bin, 'npm')).catch(() => undefined);
    if (linked?.endsWith('.js')) return linked;
  }
  throw new SelvageError('CHAINCODE_BUILD_FAILED', 'there is no npm beside this Node, nor in PATH', {
    advice: `Install npm for ${nodePath}, or package the chaincode with its node_modules.`,
  });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
