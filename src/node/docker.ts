import { join } from 'node:path';
import type { Cancellable } from '../common/cancel.ts';
import type { Logger } from '../common/log.ts';
import { allPlatforms } from '../packages/platforms/platforms.ts';
import { DockerRuntime } from '../runtimes/docker/docker-runtime.ts';
import { HttpEngine } from '../runtimes/docker/http-engine.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { readPem } from './files.ts';

/** The engine that `vm.endpoint` names. @throws {SelvageError} `SETTING_INVALID` for an endpoint or a TLS file that is none */
export async function dockerEngine({ endpoint, tls }: PeerConfig['docker']): Promise<HttpEngine> {
  if (tls === undefined) return new HttpEngine({ endpoint });
  const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map(readPem));
  return new HttpEngine({ endpoint, tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } });
}

/** Chaincode in containers. An engine that is absent is said now, in the log, and again by each launch; the peer runs all the same. */
export async function openDockerRuntime(
  config: PeerConfig,
  { log, signal }: Cancellable & { readonly log: Logger },
): Promise<DockerRuntime> {
  const { docker, images, chaincode, id, networkId, localMspId } = config;
  const host = process.env;
  const runtime = new DockerRuntime({
    engine: await dockerEngine(docker),
    directory: join(config.fileSystemPath, 'docker-builds'),
    platforms: allPlatforms({ host, images }),
    peer: { networkId, peerId: id },
    mspId: localMspId,
    hostConfig: docker.hostConfig,
    attachStdout: docker.attachStdout || chaincode.logOutput,
    pull: docker.pull,
    host,
    log,
    graceMs: chaincode.stopGraceMs,
  });
  await runtime.ready({ signal });
  return runtime;
}
