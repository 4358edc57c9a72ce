{{/* A value as text; a large number is not written as 1e+06. */}}
{{- define "celeriac.text" -}}
{{- if kindIs "string" . -}}{{- . -}}{{- else -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{/* Environment as a list, from a map of texts and `{ valueFrom: ... }`. */}}
{{- define "celeriac.env" -}}
{{- range $name, $value := . }}
- name: {{ $name | quote }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ include "celeriac.text" $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Not empty where there is a result backend. */}}
{{- define "celeriac.hasResults" -}}
{{- .Values.resultBackend.url | default .Values.resultBackend.existingSecret.name -}}
{{- end -}}

{{/* Fills .into with the environment that says where broker and backend are, by name. Given root. */}}
{{- define "celeriac.connectionEnv" -}}
{{- $fullname := include "celeriac.fullname" .root -}}
{{- $ends := list (list "CELERY_BROKER_URL" "broker" .root.Values.broker) (list "CELERY_RESULT_BACKEND" "result-backend" .root.Values.resultBackend) -}}
{{- $into := .into -}}
{{- range $end := $ends -}}
{{- $values := index $end 2 -}}
{{- if or $values.url $values.existingSecret.name -}}
{{- $secret := $values.existingSecret.name | default (printf "%s-%s" $fullname (index $end 1)) -}}
{{- $key := "url" -}}
{{- if $values.existingSecret.name -}}{{- $key = $values.existingSecret.key -}}{{- end -}}
{{- $_ := set $into (index $end 0) (dict "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $key))) -}}
{{- end -}}
{{- end -}}
{{- include "celeriac.filesEnv" . -}}
{{- end -}}

{{/* Adds where the certificates and the password of the sentinels are. */}}
{{- define "celeriac.filesEnv" -}}
{{- $folder := "/run/secrets/celeriac/tls" -}}
{{- if .root.Values.tls.ca.secret -}}
{{- $_ := set .into "CELERIAC_TLS_CA_FILE" (printf "%s/ca.crt" $folder) -}}
{{- end -}}
{{- if .root.Values.tls.client.secret -}}
{{- $_ := set .into "CELERIAC_TLS_CERT_FILE" (printf "%s/tls.crt" $folder) -}}
{{- $_ = set .into "CELERIAC_TLS_KEY_FILE" (printf "%s/tls.key" $folder) -}}
{{- end -}}
{{- if .root.Values.sentinel.secret -}}
{{- $_ := set .into "CELERIAC_SENTINEL_PASSWORD_FILE" "/run/secrets/celeriac/sentinel/password" -}}
{{- end -}}
{{- end -}}

{{/* Not empty where a list of maps has one whose .key is .value. Given list, key and value. */}}
{{- define "celeriac.hasOne" -}}
{{- range .list -}}{{- if eq (get . $.key | toString | trimSuffix "/") $.value -}}yes{{- end -}}{{- end -}}
{{- end -}}

{{/* The volumes every pod has. Given root, and volumes and volumeMounts of the user. */}}
{{- define "celeriac.volumes" -}}
{{- $tmpGiven := include "celeriac.hasOne" (dict "list" .volumes "key" "name" "value" "tmp") -}}
{{- if not (or $tmpGiven (include "celeriac.hasOne" (dict "list" .volumeMounts "key" "mountPath" "value" "/tmp"))) }}
- name: tmp
  emptyDir: {}
{{- end }}
{{- with .root.Values.tls }}
{{- if or .ca.secret .client.secret }}
- name: celeriac-tls
  projected:
    defaultMode: 292 # 0444
    sources:
      {{- with .ca }}
      {{- if .secret }}
      - secret:
          name: {{ .secret | quote }}
          items:
            - { key: {{ .key | quote }}, path: ca.crt }
      {{- end }}
      {{- end }}
      {{- with .client }}
      {{- if .secret }}
      - secret:
          name: {{ .secret | quote }}
          items:
            - { key: {{ .certKey | quote }}, path: tls.crt }
            - { key: {{ .keyKey | quote }}, path: tls.key }
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}
{{- with .root.Values.sentinel }}
{{- if .secret }}
- name: celeriac-sentinel
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 292 # 0444
    items:
      - { key: {{ .key | quote }}, path: password }
{{- end }}
{{- end }}
{{- end -}}

{{/* Their mounts. Given the same. */}}
{{- define "celeriac.volumeMounts" -}}
{{- if not (include "celeriac.hasOne" (dict "list" .volumeMounts "key" "mountPath" "value" "/tmp")) }}
- name: tmp
  mountPath: /tmp
{{- end }}
{{- if or .root.Values.tls.ca.secret .root.Values.tls.client.secret }}
- name: celeriac-tls
  mountPath: /run/secrets/celeriac/tls
  readOnly: true
{{- end }}
{{- if .root.Values.sentinel.secret }}
- name: celeriac-sentinel
  mountPath: /run/secrets/celeriac/sentinel
  readOnly: true
{{- end }}
{{- end -}}

{{/* Where a pod may run. Given spec (of a pool or the autoscaler) and selector: labels for constraints that name none. */}}
{{- define "celeriac.scheduling" -}}
{{- with .spec.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .spec.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .spec.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .spec.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml . | nindent 4 }}
    {{- if not .labelSelector }}
    labelSelector:
      matchLabels:
        {{- $.selector | nindent 8 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with .spec.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .spec.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- end -}}
