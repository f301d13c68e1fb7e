/**
 * Older released shims against the peer: slow, and it fetches from the registries, so it runs when asked:
 * `SELVAGE_SHIM_VERSIONS=1 npx vitest run test/runtimes/shim-versions.test.ts`.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, submit } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { never, repository, type TestNetwork, testNetwork } from '../journeys/network.ts';

const wanted = process.env['SELVAGE_SHIM_VERSIONS'] !== undefined;
const run = promisify(execFile);

type Change = readonly [file: string, from: RegExp, to: string];

interface Shim {
  readonly title: string;
  readonly sample: string;
  readonly changes: readonly Change[];
  /** After the changes, in the folder. */
  readonly prepare?: readonly string[];
}

const WITHOUT_SCHEMAS =
  '<exclusions><exclusion><groupId>com.github.everit-org.json-schema</groupId><artifactId>*</artifactId></exclusion></exclusions>';

const SHIMS: readonly Shim[] = [
  { title: 'fabric-shim 2.2 for Node', sample: 'kv-node', changes: [['package.json', /"fabric-shim": ".*"/, '"fabric-shim": "^2.2.5"']] },
  {
    title: 'fabric-chaincode-go 1',
    sample: 'kv-go',
    changes: [
      ['main.go', /fabric-chaincode-go\/v2/, 'fabric-chaincode-go'],
      ['main.go', /"github.com\/hyperledger\/fabric-protos-go-apiv2\/peer"/, 'peer "github.com/hyperledger/fabric-protos-go/peer"'],
      ['main.go', /Init\(stub shim\.ChaincodeStubInterface\) \*peer\.Response/, 'Init(stub shim.ChaincodeStubInterface) peer.Response'],
      ['main.go', /Invoke\(stub shim\.ChaincodeStubInterface\) \*peer\.Response/, 'Invoke(stub shim.ChaincodeStubInterface) peer.Response'],
      ['main.go', /withStatus\(args \[\]string\) \*peer\.Response/, 'withStatus(args []string) peer.Response'],
      ['main.go', /return &peer\.Response/, 'return peer.Response'],
      ['operations.go', /fabric-chaincode-go\/v2/, 'fabric-chaincode-go'],
      ['go.mod', /require[\s\S]*/, 'require github.com/hyperledger/fabric-chaincode-go v0.0.0-20240704073638-9fb89180dc17\n'],
    ],
    prepare: ['go', 'mod', 'tidy'],
  },
  {
    title: 'fabric-chaincode-shim 2.4 for Java',
    sample: 'kv-java',
    changes: [
      // Its JSON schema library is in no central repository any more, and only contracts need it.
      ['pom.xml', /<version>2\.5\.8<\/version>/, `<version>2.4.1</version>${WITHOUT_SCHEMAS}`],
    ],
  },
];

describe.skipIf(!wanted)(`released shims${wanted ? '' : ' (skipped: SELVAGE_SHIM_VERSIONS is not set)'}`, () => {
  let network: TestNetwork;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-shims-'));
    network = await testNetwork();
  }, 60_000);

  afterAll(async () => {
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const changed = async ({ sample, changes, prepare }: Shim, name: string): Promise<string> => {
    const target = join(folder, name);
    await cp(join(repository, 'chaincodes', sample), target, { recursive: true });
    for (const [file, from, to] of changes) {
      const text = await readFile(join(target, file), 'utf8');
      expect(text, file).toMatch(from);
      await writeFile(join(target, file), text.replace(from, to));
    }
    for (const lock of (await readdir(target)).filter((each) => /^(package-lock\.json|go\.sum)$/.test(each))) await rm(join(target, lock));
    const [file, ...args] = prepare ?? [];
    if (file !== undefined) await run(file, args, { cwd: target });
    return target;
  };

  it.each(SHIMS.map((shim, at) => [shim.title, shim, `shim${at}`] as const))(
    '%s keeps and gives back state',
    async (_, shim, name) => {
      const { clients } = network;
      await network.deployFolder(name, await changed(shim, name));
      const [admin = clients.user] = clients.admins;
      const spec = (...args: readonly string[]) => ({ channelId: clients.channel, chaincode: name, args });
      const { signer } = clients.user;
      const parts = { signer, endorsers: [admin.peer], orderer: clients.orderer, listeners: [admin.peer] };
      const { commit } = await submit(parts, spec('put', 'key', 'of an older shim'), { signal: never });
      expect(commit?.codeName).toBe('VALID');
      const query = async (...args: readonly string[]) =>
        textOf((await evaluate(admin.peer, signer, spec(...args), { signal: never })).payload);
      expect(await query('get', 'key')).toBe('of an older shim');
      expect(JSON.parse(await query('range', '', ''))).toHaveLength(1);
      await expect(query('error', 'this went wrong')).rejects.toThrow('this went wrong');
    },
    300_000,
  );
});
