import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture } from '../../test/fixtures.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { type Logger, silent } from '../common/log.ts';
import { buildLifecyclePackage, launchableOf, parseLifecyclePackage } from './lifecycle-package.ts';
import { platformNamed } from './platforms/platforms.ts';

interface Header {
  readonly name: string;
  readonly type: 'directory' | 'symlink';
  readonly linkname?: string;
}

type Entry = readonly [string | Header, string];

async function archiveOf(...entries: readonly Entry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(typeof header === 'string' ? { name: header } : header, content);
  archive.finalize();
  return gzipSync(await buffer(archive));
}

const metadata = (label: string): Entry => ['metadata.json', JSON.stringify({ path: 'p', type: 'node', label })];
const code: Entry = ['code.tar.gz', 'code'];
const refusal = async (bytes: Uint8Array) => {
  const thrown: unknown = await parseLifecyclePackage(bytes).catch((error: unknown) => error);
  return thrown instanceof Error ? thrown.message : thrown;
};
const P = 'could not parse as a chaincode install package: ';

describe.skipIf(!fixtures)('recorded packages of the 2.x lifecycle', () => {
  const packages =
    fixtures === undefined ? [] : manifest().filter(({ packageId, file }) => packageId !== undefined && file.endsWith('.tar.gz'));

  it('are there', () => expect(packages.length).toBeGreaterThan(3));

  it.each(packages.map(({ file, packageId }) => [file, packageId]))('%s has the id that Fabric calculated', async (file, packageId) => {
    expect((await parseLifecyclePackage(readFixture(file ?? ''))).packageId).toBe(packageId);
  });

  it('of Go and Node pass their platform’s rules', async () => {
    for (const file of ['v2.4/packages/kv24_node.tar.gz', 'v2.4/packages/tinygo_1.tar.gz']) {
      const found = await parseLifecyclePackage(readFixture(file));
      await platformNamed(found.type)?.validatePackage(found.codePackage);
      expect(launchableOf(found)).toMatchObject({ platform: found.type.toLowerCase(), codePackage: found.codePackage });
    }
  });
});

describe('a package of the 2.x lifecycle', () => {
  it('is read as it was built, and built the same each time', async () => {
    const parts = { label: 'kv_1.0', type: 'golang', path: 'example.com/kv', codePackage: utf8('the code') };
    const bytes = await buildLifecyclePackage(parts);
    const found = await parseLifecyclePackage(bytes);
    expect(found).toMatchObject({ label: 'kv_1.0', type: 'golang', path: 'example.com/kv' });
    expect(textOf(found.codePackage)).toBe('the code');
    expect(found.packageId).toMatch(/^kv_1\.0:[0-9a-f]{64}$/);
    expect(Buffer.from(await buildLifecyclePackage(parts)).equals(bytes)).toBe(true);
    expect(gunzipSync(bytes).subarray(136, 147).toString()).toBe('00000000000'); // when the first file was changed, to tar
  });

  it('keeps its metadata verbatim, and says what else it holds', async () => {
    const warnings: unknown[] = [];
    const log: Logger = { ...silent, warn: (_, fields) => void warnings.push(fields?.['file']) };
    const text = '{ "label":"l", "Type":"CCAAS", "more": [1] }';
    const found = await parseLifecyclePackage(await archiveOf(['metadata.json', text], code, ['README', 'hi']), { log });
    expect(textOf(found.metadata)).toBe(text);
    expect(launchableOf(found)).toMatchObject({ platform: 'ccaas', path: '' });
    expect(warnings).toEqual(['README']);
  });

  it('is refused with Fabric’s texts', async () => {
    expect(await refusal(utf8('not gzip'))).toBe(`${P}error reading as gzip stream: gzip: invalid header`);
    expect(await refusal(gzipSync('x'.repeat(2000)))).toContain(`${P}error inspecting next tar header: `);
    expect(await refusal(await archiveOf(metadata('l'), [{ name: 'd', type: 'directory' }, '']))).toBe(
      `${P}tar entry d is not a regular file, type 53`,
    );
    expect(await refusal(await archiveOf(metadata('l'), [{ name: 'code.tar.gz', type: 'symlink', linkname: '/etc/passwd' }, '']))).toBe(
      `${P}tar entry code.tar.gz is not a regular file, type 50`,
    );
    expect(await refusal(await archiveOf(code, ['metadata.json', '{']))).toContain(`${P}could not unmarshal metadata.json as json: `);
    expect(await refusal(await archiveOf(code, ['metadata.json', '{"label":7}']))).toContain('label is no string');
    expect(await refusal(await archiveOf(metadata('l')))).toBe(`${P}did not find a code package inside the package`);
    expect(await refusal(await archiveOf(code))).toBe(`${P}did not find any package metadata (missing metadata.json)`);
    expect(await refusal(await archiveOf(code, metadata('-l')))).toBe(
      `${P}invalid label '-l'. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics`,
    );
    expect(await refusal(await archiveOf(code, metadata('l'.repeat(200))))).toContain('the label is longer than');
    expect(await refusal(await archiveOf(code, metadata('l\n')))).toContain('invalid label');
  });

  it('is not built with a label that would be refused', async () => {
    const parts = { label: 'a:b', type: 'node', path: '', codePackage: utf8('') };
    await expect(buildLifecyclePackage(parts)).rejects.toThrow("invalid label 'a:b'. Label must be non-empty");
  });
});
