import { Http2Client } from './http2/client.ts';
import { serveWithHttp2 } from './http2/serving.ts';
import type { Transport } from './transport.ts';

/** HTTP/2 as this folder speaks it itself. */
export const OWN: Transport = { serve: serveWithHttp2, dial: (options) => new Http2Client(options) };

/** The library, which stays as a fallback and as what the tests compare with. Loaded only where it is asked for. */
export async function loadGrpcJs(): Promise<Transport> {
  const [{ serveWithGrpcJs }, { GrpcJsClient }] = await Promise.all([import('./grpc-js/serving.ts'), import('./grpc-js/client.ts')]);
  return { serve: serveWithGrpcJs, dial: (options) => new GrpcJsClient(options) };
}

/**
 * The transport of this process. SELVAGE_TRANSPORT=grpc-js takes the library; the variable is read here and not with the other
 * settings, since the command line, the peer and every test stand on it alike.
 */
export const transport: Transport = process.env['SELVAGE_TRANSPORT'] === 'grpc-js' ? await loadGrpcJs() : OWN;
