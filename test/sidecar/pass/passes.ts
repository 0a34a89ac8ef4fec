import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SelectsFile } from '../../../sidecar/pass/decide.ts'
import { LinkedFiles } from '../../../sidecar/pass/linked-files.ts'
import { runPass } from '../../../sidecar/pass/pass.ts'
import { newPassContext } from '../../../sidecar/pass/pass-context.ts'
import { proveStore } from '../../../sidecar/prepare/prove-store.ts'
import { StateDirectory } from '../../../sidecar/state-directory.ts'
import { defaultPacking, type ResultLayout } from '../../../src/result-format/result-layout.ts'
import { noResultLimits } from '../../../src/result-format/result-limits.ts'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { defined } from '../../../src/util/objects.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { attempt, job } from '../uploader-process.ts'

/** An uploader's inside, without the program: a kill is a pass after which nothing is done. */
export async function newPasses(resultLayout: ResultLayout = 'files') {
  const root = temporaryFolder()
  const resultDirectory = join(root, 'result')
  mkdirSync(resultDirectory)
  const store = createFolderStore(join(root, 'store'))
  const state = new StateDirectory(join(root, 'state'))
  await proveStore(store, state, { job, attempt }, new AbortController().signal)
  const settings = {
    job,
    attempt,
    resultDirectory,
    limits: noResultLimits,
    resultLayout,
    packing: defaultPacking,
    outputs: {},
  }
  const context = newPassContext(settings, state, store)
  const stopSignal = new AbortController().signal
  const pass = async (end: 'adopted' | 'told' | 'killed', final = false, selects?: SelectsFile) => {
    const selection = selects && { selects, windowSize: 4 }
    const { ledger } = await runPass(context, { final, stopSignal, ...defined({ selection }) })
    // The next program knows what is written down alone.
    if (end === 'killed') {
      context.links = new LinkedFiles()
      return
    }
    await ledger.checkpoint(context.calls)
    if (end === 'adopted') context.journals.adopt()
  }
  const write = (content: string | Buffer) => writeFileSync(join(resultDirectory, 'file'), content)
  return { store, state, context, pass, write, resultDirectory }
}
