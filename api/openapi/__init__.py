"""The OpenAPI document and its pages, made from the handlers: nobody has to remember to describe a convention."""
