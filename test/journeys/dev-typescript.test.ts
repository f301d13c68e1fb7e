import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

/** `selvage dev --watch` on TypeScript, with JavaScript lying about that somebody compiled long ago. */
describe('selvage dev while TypeScript is edited', () => {
  let folder: string;
  let source: string;
  let dev: RunningCommand;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-typescript-'));
    source = join(folder, 'kv');
    await cp(join(repository, 'chaincodes/kv-ts'), source, { recursive: true, filter: (path) => !/node_modules|dist/.test(path) });
    await mkdir(join(source, 'dist'));
    await writeFile(join(source, 'dist', 'index.js'), "throw new Error('this was compiled long ago');\n");
    dev = new RunningCommand(['dev', source, '--port-base', '0', '--watch', '--json'], { SELVAGE_CACHE: chaincodeCache });
    env = sourced(JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"'))).env);
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const query = async (...args: string[]) =>
    (await selvage(['chaincode', 'query', '-C', 'mychannel', '-n', 'kv-ts', '-c', JSON.stringify({ Args: args })], { env })).stdout;
  const edit = async (change: (text: string) => string): Promise<void> => {
    const file = join(source, 'src', 'operations.ts');
    await writeFile(file, change(await readFile(file, 'utf8')));
  };
  const told = (start: string, contains = ''): Promise<string> => dev.line((line) => line.startsWith(start) && line.includes(contains));

  it('runs what the sources say, then what they say after an edit', async () => {
    expect(await query('noop')).toBe('\n');
    await edit((text) => text.replace("['noop', async () => '']", "['noop', async () => 'edited']"));
    expect(JSON.parse(await told('{"fact":"changed"'))).toMatchObject({ did: 'upgraded', code: 'VALID' });
    expect(await query('noop')).toBe('edited\n');
  });

  it('says what the compiler found, and keeps what works', async () => {
    await edit((text) => `${text}\nexport const wrong: number = 'text';\n`);
    const { problem } = JSON.parse(await told('{"fact":"chaincode","problem"'));
    expect(problem).toMatch(/^not upgraded: [^\n]*the sources do not compile: src\/operations\.ts\(\d+,14\): error TS2322: [^\n]+$/);
    expect(await query('noop')).toBe('edited\n');
  });
});
