"""The program of one poste: it lends the machine, keeps its time, locks and cleans it, alone if it must.

    link (MQTT) --> machine (pure) --> effects --> platform, store, link, face

It imports `protocol` and nothing else of ours.
"""
