"""Another version of the agent, in a second environment beside the one that runs, and back again if it fails.

releases (API) --fetch--> file, signed by the site's own key --slots--> the other slot --start--> runs, or back
"""
