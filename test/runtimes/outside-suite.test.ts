/** The suite for chaincode that does not run where the peer puts it: services, external builders, development mode. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../src/common/scope.ts';
import { testNetwork } from '../journeys/network.ts';
import { type BuilderScripts, RUN_FIELD, writeBuilder } from './builder-scripts.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';
import { freePort } from './free-port.ts';
import { installedSample } from './installed-sample.ts';
import { StartedProgram } from './started-program.ts';

const sample = await installedSample('kv-node');
const skip = sample === undefined ? 'npm cannot get its dependencies' : undefined;
const IDS = ['first:1', 'second:1'] as const;

const start = (args: readonly string[], env: Readonly<Record<string, string>>): StartedProgram =>
  new StartedProgram(process.execPath, ['index.js', ...args], { cwd: sample ?? '', env });

/** The network owns what was started for it, and outlives it. */
const owning = (network: SuiteNetwork, scope: Scope): SuiteNetwork => ({
  ...network,
  [Symbol.asyncDispose]: async () => {
    await network[Symbol.asyncDispose]();
    await scope[Symbol.asyncDispose]();
  },
});

/** `make` writes a builder that claims Node packages. */
async function withBuilder(make: (scope: Scope) => Promise<BuilderScripts>): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const path = await mkdtemp(join(tmpdir(), 'selvage-suite-'));
  scope.defer(() => rm(path, { recursive: true, force: true }));
  await writeBuilder(path, { detect: `grep -q '"type":"NODE"' "$2/metadata.json"`, ...(await make(scope)) });
  const network = await deployedTwice('kv-node', {
    block: 'instant',
    settings: { chaincode: { externalbuilders: [{ name: 'suite', path }] } },
  });
  return owning(network, scope.move());
}

chaincodeSuite('kv-node by an external builder', {
  skip,
  open: () =>
    withBuilder(async () => ({
      build: `cp -r "$1/src/." "$3/" && ln -s '${sample}/node_modules' "$3/node_modules"`,
      run: [
        RUN_FIELD,
        'for name in client_key client_cert; do field $name | base64 | tr -d "\\n" > "$2/$name.txt"; done; field root_cert > "$2/root_cert.pem"',
        'export CORE_CHAINCODE_ID_NAME="$(field chaincode_id)" CORE_PEER_TLS_ENABLED=true CORE_PEER_TLS_ROOTCERT_FILE="$2/root_cert.pem"',
        'export CORE_TLS_CLIENT_KEY_PATH="$2/client_key.txt" CORE_TLS_CLIENT_CERT_PATH="$2/client_cert.txt"',
        'cd "$1" && exec node index.js --peer.address "$(field peer_address)"',
      ].join('\n'),
    })),
});

chaincodeSuite('kv-node as a service', {
  skip,
  open: () =>
    withBuilder(async (scope) => {
      const cases: string[] = [];
      for (const id of IDS) {
        const address = `127.0.0.1:${await freePort()}`;
        scope.use(start([], { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: id }));
        cases.push(`*'"label":"${id.split(':')[0]}"'*) address=${address} ;;`);
      }
      return {
        build: 'cp "$2/metadata.json" "$3/"',
        release: [
          'case "$(cat "$1/metadata.json")" in',
          ...cases,
          'esac',
          'mkdir -p "$2/chaincode/server"',
          `printf '{"address":"%s","dial_timeout":"10s"}' "$address" > "$2/chaincode/server/connection.json"`,
        ].join('\n'),
      };
    }),
});

chaincodeSuite('kv-node in development mode', {
  skip,
  open: async () => {
    await using scope = new Scope();
    const network = scope.use(await testNetwork({ block: 'instant', settings: { chaincode: { mode: 'dev' } } }));
    const address = `127.0.0.1:${network.network.plan.peers[0]?.chaincodePort}`;
    for (const [at, id] of IDS.entries()) {
      const env = { CORE_CHAINCODE_ID_NAME: id, CORE_PEER_TLS_ENABLED: 'false', CORE_CHAINCODE_LOGGING_LEVEL: 'info' };
      const program = scope.use(start(['--peer.address', address], env));
      await program.line(/ready/);
      await network.deploy(['first', 'second'][at] ?? '', 'kv-node');
    }
    const owned = scope.move();
    return { clients: network.clients, first: 'first', second: 'second', [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  },
});
