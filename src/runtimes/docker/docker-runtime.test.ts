import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCKER_ENDPOINT, docker, needsDocker, noDocker, nodeImage } from '../../../test/docker.ts';
import { type DockerFixture, openDocker, watched } from '../../../test/runtimes/docker-fixture.ts';
import { Listener, runtimeContract } from '../../chaincode/ports/runtime.contract.ts';
import { deferred } from '../../common/deferred.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import type { OutputLine } from '../../packages/output.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import type { DockerBuild, PackageSubject, Platform } from '../../packages/platforms/platform.ts';
import { refused } from './engine-failure.ts';
import { HttpEngine } from './http-engine.ts';
import { thisProcess } from './traces.ts';

const never = new AbortController().signal;
const STAY = 'setInterval(() => {}, 1e6);';
const PACKAGE = JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js' } });
const filesOf = (script: string) => ({ 'package.json': PACKAGE, 'index.js': script });
const named = (fixture: DockerFixture, spec: LaunchSpec): string => `test-${fixture.peerId}-${spec.name}-1.0`;

describe.skipIf(noDocker !== undefined)(needsDocker('with a Docker engine'), () => {
  runtimeContract('docker', openDocker);

  it('starts in the order of Fabric, under its names, with TLS files that anybody in the container can read', async () => {
    await using fixture = await openDocker();
    const script = `const fs = require('fs'); for (const [k, v] of Object.entries(process.env)) if (/_(PATH|FILE)$/.test(k) && v.startsWith('/etc/hyper')) console.log(k, (fs.statSync(v).mode & 0o7777).toString(8), fs.readFileSync(v, 'utf8')); console.log(process.argv.slice(2).join(' '), process.env.CORE_CHAINCODE_ID_NAME, process.env.CORE_CHAINCODE_BUILDLEVEL, process.env.CORE_PEER_LOCALMSPID); ${STAY}`;
    const spec = {
      ...(await fixture.packed(filesOf(script), '127.0.0.1:7052')),
      tls: { clientKey: 'KEY', clientCert: 'CERT', rootCert: 'ROOT' },
    };
    const name = named(fixture, spec);
    const since = String(Date.now() / 1000);
    await fixture.runtime.launch(spec, { signal: never });
    const printed = deferred<void>();
    const output: LaunchSpec['output'] = ({ text }) => {
      if (text.startsWith('--peer.address')) printed.resolve();
    };
    const again = await fixture.runtime.launch({ ...spec, output }, { signal: never });
    const events = await docker(
      'events',
      '--since',
      since,
      '--until',
      String(Date.now() / 1000 + 0.1),
      '--format',
      '{{.Action}} {{.Actor.Attributes.name}}',
    );
    const actions = events
      .split('\n')
      .filter((line) => line.endsWith(` ${name}`))
      .map((line) => line.split(' ')[0])
      .filter((action) => action !== 'die'); // engines tell of the death anywhere between the first signal and the end
    const start = ['create', 'attach', 'extract-to-dir', 'start'];
    // Docker's stop kills twice: by SIGTERM and, when the time of none is over, by SIGKILL. Of an attachment it tells when it has answered.
    const told = actions.filter((action, at) => action !== 'kill' || actions[at - 1] !== 'kill').join(' ');
    expect(told.replaceAll('extract-to-dir attach', 'attach extract-to-dir')).toBe(
      [...start, 'kill', 'stop', 'destroy', ...start].join(' '),
    );

    const image = JSON.parse(await docker('image', 'inspect', await docker('inspect', name, '--format', '{{.Image}}')))[0];
    expect(image.RepoTags[0]).toMatch(new RegExp(`^${name}-[0-9a-f]{64}:latest$`));
    expect(image.Config.Labels).toMatchObject({
      'org.hyperledger.fabric.chaincode.id.name': spec.name,
      'org.hyperledger.fabric.chaincode.id.version': '1.0',
      'org.hyperledger.fabric.chaincode.type': 'NODE',
      'org.hyperledger.fabric.base.version': '0.4.6',
      'selvage.process': thisProcess(),
    });
    await printed.promise;
    await again[Symbol.asyncDispose]();
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const { lastOutput } = await again.exited;
    expect([...lastOutput].sort()).toEqual(
      [
        `CORE_PEER_TLS_ROOTCERT_FILE 644 ROOT`,
        `CORE_TLS_CLIENT_CERT_FILE 644 CERT`,
        `CORE_TLS_CLIENT_CERT_PATH 644 ${base64('CERT')}`,
        `CORE_TLS_CLIENT_KEY_FILE 644 KEY`,
        `CORE_TLS_CLIENT_KEY_PATH 644 ${base64('KEY')}`,
        `--peer.address 127.0.0.1:7052 ${spec.ccid} 2.5.9 Org1MSP`,
      ].sort(),
    );
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('ends with one build and one container when the same chaincode is launched 20 times at once', async () => {
    const calls: string[] = [];
    await using plain = await openDocker();
    await using fixture = await openDocker({ engine: watched(plain.engine, (call) => calls.push(call)) });
    const spec = await fixture.packed(filesOf(`${STAY} // ${fixture.peerId}`));
    const instances = await Promise.all(Array.from({ length: 20 }, () => fixture.runtime.launch(spec, { signal: never })));
    expect(calls.filter((call) => call === 'build')).toHaveLength(1);
    expect(await fixture.leftovers()).toEqual([named(fixture, spec)]);
    let ended = 0;
    const nineteen = new Promise<void>((resolve) => {
      for (const { exited } of instances)
        void exited.then(() => {
          ended += 1;
          if (ended === 19) resolve();
        });
    });
    await nineteen; // each was replaced by the next
    await fixture.runtime[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('runs replicas beside each other, of one image', async () => {
    const calls: string[] = [];
    await using plain = await openDocker();
    await using fixture = await openDocker({ engine: watched(plain.engine, (call) => calls.push(call)) });
    await using listener = await Listener.open();
    const spec = await fixture.chaincode({ script: `say('up ' + process.pid); ${STAY} // ${fixture.peerId}` }, listener);
    const launches = [1, 2, 3].map((replica) => fixture.runtime.launch({ ...spec, replica }, { signal: never }));
    const instances = await Promise.all(launches);
    await listener.count('up', 3);
    const first = named(fixture, spec);
    expect([...(await fixture.leftovers())].sort()).toEqual([first, `${first}-replica2`, `${first}-replica3`]);
    expect(calls.filter((call) => call === 'build')).toHaveLength(1);
    await instances[1]?.[Symbol.asyncDispose]();
    expect([...(await fixture.leftovers())].sort()).toEqual([first, `${first}-replica3`]);
  });

  it('gives a Java build the settings of Maven, and the image nothing of them', async () => {
    const HOME = await mkdtemp(join(tmpdir(), 'selvage-home-'));
    try {
      await mkdir(join(HOME, '.m2'));
      await writeFile(join(HOME, '.m2', 'settings.xml'), '<settings><password>secret</password></settings>');
      const image = await nodeImage(new HttpEngine({ endpoint: DOCKER_ENDPOINT }));
      const build = 'cat /root/.m2/settings.xml; cp -R /chaincode/input/src/. /chaincode/output';
      const java: Platform = Object.assign(new NodePlatform(), {
        name: 'java',
        dockerfile: () => [`FROM ${image}`, 'ADD binpackage.tar /usr/local/src'],
        dockerBuild: ({ codePackage }: PackageSubject): DockerBuild => ({
          image,
          command: build,
          env: {},
          input: codePackage,
          output: 'binpackage.tar',
          runtimeImage: image,
          explain: () => ({ cause: 'none', advice: '' }),
        }),
      });
      await using fixture = await openDocker({ platforms: [java], host: { HOME } });
      const lines: OutputLine[] = [];
      const look = `console.log(require('fs').existsSync('/root/.m2') ? 'found' : 'nothing'); // ${fixture.peerId}`;
      const spec = { ...(await fixture.packed(filesOf(look))), platform: 'java', output: (line: OutputLine) => void lines.push(line) };
      const { exited } = await fixture.runtime.launch(spec, { signal: never });
      expect((await exited).lastOutput).toEqual(['nothing']);
      const told = lines.filter(({ stream }) => stream === 'build' || stream === 'peer').map(({ stream, text }) => `${stream}: ${text}`);
      expect(told).toEqual([
        `peer: build started: the build in a container of ${image}`,
        'build: <settings><password>secret</password></settings>',
        expect.stringMatching(/^peer: build finished after \d+\.\d s$/),
      ]);
    } finally {
      await rm(HOME, { recursive: true, force: true });
    }
  });

  it('leaves nothing, whichever call it is cancelled in and whichever fails', async () => {
    const made: string[] = [];
    let onCall = (_: string): void => undefined;
    await using plain = await openDocker();
    const engine = watched(plain.engine, (call) => {
      made.push(call);
      onCall(`${call} ${made.filter((each) => each === call).length}`);
    });
    await using fixture = await openDocker({ engine });
    const unlikeAnyOther = `${STAY} // ${fixture.peerId}`; // or the layers of another test would do
    const spec = { ...(await fixture.packed(filesOf(unlikeAnyOther))), tls: { clientKey: 'K', clientCert: 'C', rootCert: 'R' } };
    const forget = async (): Promise<void> => {
      const found = await plain.engine.images({ labels: [`selvage.peer=test/${fixture.peerId}`] }, { signal: never });
      for (const tag of found.flatMap(({ tags }) => tags)) await plain.engine.removeImage(tag, { signal: never });
      made.length = 0;
    };
    const steps = ['image 1', 'create 1', 'upload 1', 'upload 2', 'attach 1', 'start 1', 'wait 1', 'download 1', 'build 1'];
    for (const step of [...steps, 'create 2', 'attach 2', 'upload 3', 'start 2']) {
      for (const way of ['cancelled', 'failing']) {
        await forget();
        const controller = new AbortController();
        const reason = new Error('the caller left');
        let reached = false;
        onCall = (call) => {
          if (call !== step) return;
          reached = true;
          if (way === 'failing') throw refused('this does not work', 500);
          setImmediate(() => controller.abort(reason));
        };
        const launch = fixture.runtime.launch(spec, { signal: controller.signal });
        if (way === 'cancelled') await expect(launch, `${way} at ${step}`).rejects.toBe(reason);
        else
          await expect(launch, `${way} at ${step}`).rejects.toMatchObject({
            code: expect.stringMatching(/^CHAINCODE_(BUILD|LAUNCH)_FAILED$/),
          });
        expect(reached, step).toBe(true);
        onCall = () => undefined;
        expect(await fixture.leftovers(), `${way} at ${step}`).toEqual([]);
      }
    }
  });

  it('sweeps what a run that is over left behind, and nothing of one that goes on', async () => {
    await using fixture = await openDocker();
    const { engine } = fixture;
    const leave = (process: string) =>
      docker('create', '--label', `selvage.peer=test/${fixture.peerId}`, '--label', `selvage.process=${process}`, IMAGE, '/bin/true');
    const IMAGE = (await engine.images({ labels: ['selvage.image=node'] }, { signal: never })).flatMap(({ tags }) => tags)[0] ?? '';
    const [host] = thisProcess().split('/');
    await leave(`${host}/${2 ** 22 + 1}/1`);
    await leave(`${host}/${process.pid}/1`);
    const kept = [await leave(thisProcess()), await leave(`${host}/${process.ppid}/1`), await leave('elsewhere/1/1')];
    await fixture.runtime.ready({ signal: never });
    const left = await engine.containers({ labels: [`selvage.peer=test/${fixture.peerId}`] }, { signal: never });
    expect(left.map(({ id }) => id).sort()).toEqual(kept.sort());
    for (const id of kept) await engine.remove(id, { signal: never });
  });

  it('replaces an image whose name and version came back with another package', async () => {
    await using fixture = await openDocker();
    await using listener = await Listener.open();
    const old = await fixture.chaincode({ script: "say('old'); setInterval(() => {}, 1e6);" }, listener);
    const changed = {
      ...(await fixture.chaincode({ script: "say('new'); setInterval(() => {}, 1e6);" }, listener)),
      ccid: old.ccid,
      name: old.name,
    };
    await fixture.runtime.launch(old, { signal: never });
    await listener.line('old');
    await fixture.runtime.launch(changed, { signal: never });
    await listener.line('new');
  });

  it('says which image is missing, and how to get it', async () => {
    await using fixture = await openDocker({ image: 'localhost:1/selvage/no-such-image:1' });
    const launch = fixture.runtime.launch(await fixture.packed(filesOf(STAY)), { signal: never });
    await expect(launch).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringContaining('Failed to pull localhost:1/selvage/no-such-image:1: '),
      advice: expect.stringContaining('selvage images build'),
    });
    expect(await fixture.leftovers()).toEqual([]);
  });

  it('ends when it is asked to, also as the first process of its container, with the exit code of the chaincode', async () => {
    await using fixture = await openDocker({ hostConfig: {}, graceMs: 20_000 });
    await using listener = await Listener.open();
    const plain = await fixture.chaincode({ script: `say('plain'); ${STAY}` }, listener);
    const instance = await fixture.runtime.launch(plain, { signal: never });
    await listener.line('plain');
    await instance[Symbol.asyncDispose]();
    expect(await instance.exited).toMatchObject({ code: null, signal: 'SIGTERM' });
    const own = await fixture.chaincode({ script: `process.on('SIGTERM', () => process.exit(9)); say('own'); ${STAY}` }, listener);
    const second = await fixture.runtime.launch(own, { signal: never });
    await listener.line('own');
    await second[Symbol.asyncDispose]();
    expect(await second.exited).toMatchObject({ code: 9, signal: null });
  });

  it('says that the kernel killed it for its memory', async () => {
    await using fixture = await openDocker({ hostConfig: { memory: 67108864, memoryswap: 67108864 } });
    const script = 'const all = []; setInterval(() => all.push(Buffer.alloc(8 * 1024 * 1024, 1)), 1);';
    await (await fixture.runtime.launch(await fixture.packed(filesOf(STAY)), { signal: never }))[Symbol.asyncDispose]();
    const { exited } = await fixture.runtime.launch(await fixture.packed(filesOf(script)), { signal: never });
    const { signal, lastOutput } = await exited;
    expect(signal).toBe('SIGKILL');
    expect(lastOutput.at(-1)).toContain('out of memory');
  });
});
