import type { Attack } from './attack.ts'
import { conduct } from './conduct.ts'
import { forwarding } from './forwarding.ts'
import { framing } from './framing.ts'
import { heads } from './heads.ts'
import { responses } from './responses.ts'

/** By who sends it. */
export const attacks: Readonly<Record<string, readonly Attack[]>> = {
  'From clients: framing': framing,
  'From clients: request lines and fields': heads,
  'From clients: fields that are for us': forwarding,
  'From clients: conduct': conduct,
  'From endpoints': responses,
}
