{{/* Fills {app}, {queues}, {concurrency} and {pool} in. Given text, name and pool. */}}
{{- define "celeriac.worker.filled" -}}
{{- include "celeriac.text" .text | replace "{app}" (.pool.app | default "") | replace "{queues}" (join "," .pool.queues) | replace "{concurrency}" (include "celeriac.text" .pool.concurrency) | replace "{pool}" .name -}}
{{- end -}}

{{/* `command` and `args` of a worker's container. Given root, name and pool. */}}
{{- define "celeriac.worker.command" -}}
{{- $args := list -}}
{{- $command := .pool.command -}}
{{- if and (not $command) (eq .pool.kind "python") -}}
{{- $command = list "celery" "-A" "{app}" "worker" "-Q" "{queues}" "-c" "{concurrency}" "-n" "{pool}@%h" "-E" "-l" "INFO" -}}
{{- if not .pool.taskEvents -}}{{- $command = without $command "-E" -}}{{- end -}}
{{- end -}}
{{- if not .pool.command -}}
{{- if ne .pool.kind "python" -}}
{{- $drain := max 1 (sub (int64 .pool.terminationGracePeriodSeconds) 10) -}}
{{- $args = list "worker" "-A" "{app}" "-Q" "{queues}" "-c" "{concurrency}" "-n" "{pool}@%h" -}}
{{- if .pool.taskEvents -}}{{- $args = append $args "-E" -}}{{- end -}}
{{- $args = concat $args (list "-l" .pool.logLevel "--http" "0.0.0.0:8081" "--drain-timeout" ($drain | toString)) -}}
{{- with .pool.queueType -}}{{- $args = concat $args (list "--queue-type" .) -}}{{- end -}}
{{- end -}}
{{- with .pool.timeLimitSeconds -}}{{- $args = concat $args (list "--time-limit" (include "celeriac.text" .)) -}}{{- end -}}
{{- with .pool.softTimeLimitSeconds -}}{{- $args = concat $args (list "--soft-time-limit" (include "celeriac.text" .)) -}}{{- end -}}
{{- if ne .pool.kind "python" -}}
{{- $args = concat $args (include "celeriac.transportArgs" .root | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- $args = concat $args (.pool.args | default list) -}}
{{- if $command }}
command:
  {{- range $command }}
  - {{ include "celeriac.worker.filled" (dict "text" . "name" $.name "pool" $.pool) | quote }}
  {{- end }}
{{- end }}
{{- if $args }}
args:
  {{- range $args }}
  - {{ include "celeriac.worker.filled" (dict "text" . "name" $.name "pool" $.pool) | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Transport options as arguments, a YAML list. */}}
{{- define "celeriac.transportArgs" -}}
{{- range $name, $value := .Values.broker.transportOptions }}
- --broker-option
- {{ printf "%s=%s" $name ($value | toJson) | quote }}
{{- end }}
{{- range $name, $value := .Values.resultBackend.transportOptions }}
- --backend-option
- {{ printf "%s=%s" $name ($value | toJson) | quote }}
{{- end }}
{{- end -}}
