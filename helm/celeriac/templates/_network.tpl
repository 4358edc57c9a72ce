{{/* Egress rules as a YAML list: cluster DNS, broker and backend, and `more`. Given root and more. */}}
{{- define "celeriac.egress" -}}
- ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- with .root.Values.networkPolicy.brokerEgress }}
{{ toYaml . }}
{{- end }}
{{- with .more }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Peers that may come in: this release's pods and those of values. */}}
{{- define "celeriac.ingressFrom" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "celeriac.name" . | quote }}
      app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- with .Values.networkPolicy.ingressFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}
