import type { FaultProxy } from '../../support/store/fault-proxy.ts'
import type { MinioProcess } from '../../support/store/minio-process.ts'

/** A way in which a store may be away. */
export interface Away {
  /**
   * True if whole requests reach the store, so that an upload without its answer was sent in vain.
   */
  takesRequests?: boolean
  begin(): Promise<void>
  end(): Promise<void>
}

/** All ways: what a proxy before the store does, or what is done to the store itself. */
export function waysAway(of: () => { proxy: FaultProxy; minio: MinioProcess }) {
  const byProxy = (kind: 'refuse' | 'reset' | 'slow-down' | 'hang'): Away => ({
    begin: () => of().proxy.setFault({ kind }),
    end: () => of().proxy.setFault({ kind: 'pass' }),
  })

  return {
    'refuses connections': byProxy('refuse'),
    'resets connections': byProxy('reset'),
    'answers 503 SlowDown': byProxy('slow-down'),
    hangs: byProxy('hang'),
    'cuts its answers short': {
      takesRequests: true,
      begin: () => of().proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 100 }),
      end: () => of().proxy.setFault({ kind: 'pass' }),
    },
    'refuses the credentials': {
      begin: async () => {
        await of().minio.kill()
        await of().minio.start({ accessKey: of().minio.accessKey, secretKey: 'another-secret' })
        await of().proxy.setFault({ kind: 'pass' })
      },
      end: async () => {
        await of().minio.kill()
        await of().minio.start()
      },
    },
    'is killed': {
      begin: async () => {
        await of().minio.kill()
        await of().proxy.setFault({ kind: 'pass' })
      },
      end: () => of().minio.start(),
    },
  } satisfies Record<string, Away>
}
