import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { builderSettings } from './builder-settings.ts';

const textsOf = (files: Awaited<ReturnType<typeof builderSettings>>['files']) =>
  Object.fromEntries(files.map((file) => [file.name, 'content' in file ? Buffer.from(file.content).toString() : '']));

/** A home folder with these files. */
async function home(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'selvage-home-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const NPMRC = [
  'registry=https://r.example/',
  ['//r.example/:_authToken=$', '{TOKEN}'].join(''),
  '@corp:registry = https://c/',
  'cache=/home/x',
  'cafile=/y',
  'prefix=/z',
].join('\n');

it('takes over how to reach registries and whom to trust, and nothing that names this machine', async () => {
  await using folder = await home({ 'ca.pem': 'CERTIFICATES', '.npmrc': NPMRC });
  const host = {
    HOME: folder.path,
    TOKEN: 't',
    https_proxy: 'http://p',
    AWS_SECRET: 's',
    PATH: '/bin',
    NODE_EXTRA_CA_CERTS: join(folder.path, 'ca.pem'),
  };
  const { env, files } = await builderSettings(host, 'node');
  expect(env).toEqual({
    https_proxy: 'http://p',
    NODE_EXTRA_CA_CERTS: '/etc/selvage/trusted.pem',
    SSL_CERT_FILE: '/etc/selvage/trusted.pem',
    npm_config_userconfig: '/etc/selvage/npmrc',
  });
  expect(textsOf(files)).toEqual({
    'etc/selvage/trusted.pem': 'CERTIFICATES',
    'etc/selvage/npmrc': 'registry=https://r.example/\n//r.example/:_authToken=t\n@corp:registry = https://c/\n',
  });
});

it('gives Go its module settings, those of `go env -w` too, and passwords of module proxies when the peer names them', async () => {
  await using folder = await home({
    '.npmrc': NPMRC,
    '.config/go/env': 'GOPROXY=https://written\nGOFLAGS=-mod=mod\nGOROOT=/usr/local/go\n',
    '.netrc': 'machine g login me password p',
  });
  const host = { HOME: folder.path, GOPROXY: 'https://g', GOCACHE: '/here' };
  expect((await builderSettings(host, 'golang')).files).toEqual([]);
  const { env, files } = await builderSettings({ ...host, NETRC: join(folder.path, '.netrc') }, 'golang');
  expect(env).toEqual({ GOPROXY: 'https://g', GOFLAGS: '-mod=mod' });
  expect(textsOf(files)).toEqual({ 'root/.netrc': 'machine g login me password p' });
  expect(files.map(({ mode }) => mode)).toEqual([0o600]);
});

it('gives Java the settings of Maven and Gradle, without the folders of this machine', async () => {
  await using folder = await home({
    '.npmrc': NPMRC,
    '.m2/settings.xml': '<settings><localRepository>/home/x/.m2</localRepository><mirrors/></settings>',
    '.m2/settings-security.xml': '<settingsSecurity/>',
    '.gradle/gradle.properties': 'corpToken=t\norg.gradle.java.home=/usr/lib/jvm/21\n',
    '.gradle/init.d/mirror.gradle': 'allprojects {}',
    '.gradle/init.d/notes.txt': 'no script',
  });
  const MAVEN_OPTS = '-Dhttps.proxyHost=p -Dhttps.proxyPort=8080 -Djavax.net.ssl.trustStore=/home/x/trust -Xmx1g';
  const { env, files } = await builderSettings({ HOME: folder.path, MAVEN_OPTS, GOPROXY: 'https://g' }, 'java');
  expect(env).toEqual({ MAVEN_OPTS: '-Dhttps.proxyHost=p -Dhttps.proxyPort=8080 -Xmx1g' });
  expect(textsOf(files)).toEqual({
    'root/.m2/settings.xml': '<settings><mirrors/></settings>',
    'root/.m2/settings-security.xml': '<settingsSecurity/>',
    'root/.gradle/gradle.properties': 'corpToken=t\n',
    'root/.gradle/init.d/mirror.gradle': 'allprojects {}',
  });
});

it.each(['node', 'golang', 'java'] as const)('is nothing for %s where there is nothing', async (language) => {
  expect(await builderSettings({}, language)).toEqual({ env: {}, files: [] });
  expect(await builderSettings({ HOME: '/nowhere', NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }, language)).toEqual({ env: {}, files: [] });
});
